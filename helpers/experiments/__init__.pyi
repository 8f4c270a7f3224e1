from . import cells as cells
from . import clinic as clinic
from . import grid as grid
from . import live_grid as live_grid
from . import persistence as persistence
from . import table6 as table6
