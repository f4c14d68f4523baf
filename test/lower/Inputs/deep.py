"""A plan with a sum of as many terms as are asked for, and as many waivers inside each other."""
import sys

terms = int(sys.argv[1])
print('use base\ncluster lab { host db1 "10.0.0.1" { roles base.db } }')
print("gate deep { pass when load(db1)" + " + 1" * terms + " > 0 }")
print("upgrade u of lab { await deep }")
