from . import cells as cells
from . import clinic as clinic
from . import table6 as table6
