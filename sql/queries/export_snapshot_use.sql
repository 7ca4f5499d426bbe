-- Read what another connection's transaction sees. Comes first in a repeatable read transaction.
set transaction snapshot %(snapshot)s
