"""Every Python process that has this folder on its path knows the protocol 'toy'."""
from brian_le.protocols.catalogue import PROTOCOLS

PROTOCOLS['toy'] = 'tests.protocols.toys.toy'
