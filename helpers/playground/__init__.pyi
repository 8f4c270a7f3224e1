from .widget import Playground as Playground
from .widget import page as page
from .widget import playground as playground
