"""A plan that is one over a limit of what a plan may hold, or just within it."""
import sys

what, size = sys.argv[1], int(sys.argv[2])
print('use base\ncluster lab { host db1 "10.0.0.1" { roles base.db } }')
if what == "values":
    print("state many(h: host) { " + ", ".join(f"v{i}" for i in range(size)) + ' } observe "v0"')
    print("upgrade u of lab { expect many(db1) == v0 }")
elif what == "procedures":
    print("procedure p0() { await base.calm }")
    for i in range(1, size):
        print(f"procedure p{i}() {{ p{i - 1}() }}")
    print(f"upgrade u of lab {{ p{size - 1}() }}")
else:
    print(f"gate slow {{ pass when load(db1) > 0  poll 1s for {size}h }}")
    print("upgrade u of lab { await slow }")
