from . import ca2 as ca2
from . import ipca as ipca
from . import months as months
from . import neural as neural
from . import trained as trained
