#!/bin/sh
# No two modules may have the same name.
sort "$1" | sed "s|.*/||" | uniq -d | while read -r name; do
	echo "error: the following would cause module name conflict: $name" >&2
done
