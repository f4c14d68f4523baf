#pragma once

/// What the examples of the rules share: one role, three hosts. The rest of an example follows it.
#define UPG_EXAMPLE_HEAD                                                                                               \
  "role alive {\n"                                                                                                     \
  "  available may be down\n"                                                                                          \
  "  health    up\n"                                                                                                   \
  "  stoppable always \"its other roles decide\"\n"                                                                    \
  "  boot      boot_id\n"                                                                                              \
  "}\n"                                                                                                                \
  "/// A voter of the cluster.\n"                                                                                      \
  "role member {\n"                                                                                                    \
  "  available quorum\n"                                                                                               \
  "  serial\n"                                                                                                         \
  "  health    joined\n"                                                                                               \
  "  stoppable to_spare\n"                                                                                             \
  "}\n"                                                                                                                \
  "probe boot_id(h: host) -> string { return (run(\"cat\", \"/proc/sys/kernel/random/boot_id\") on h).stdout.trim }\n" \
  "gate up(h: host)       { pass when answers(h)  poll 2s for 5m }\n"                                                  \
  "gate joined(h: host)   { pass when (run(\"true\") on h).code == 0  poll 2s for 5m  watches member }\n"              \
  "gate to_spare(h: host) { pass when (run(\"true\") on h).code == 0  poll 2s for 5m  watches member }\n"              \
  "\n"                                                                                                                 \
  "cluster lab {\n"                                                                                                    \
  "  user \"root\"\n"                                                                                                  \
  "  host node1 \"10.0.0.1\", node2 \"10.0.0.2\", node3 \"10.0.0.3\" { roles alive, member }\n"                        \
  "}\n"
