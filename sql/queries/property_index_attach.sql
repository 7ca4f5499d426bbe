-- Makes the index of a partition part of the whole; with the last one the whole is valid. (postgres engine)
alter index {name} attach partition {part}
