#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/plan/ids.h"

namespace upg::machine {

/// Monotonic time in milliseconds since an arbitrary start of the run; deadlines and intervals only.
using Millis = std::int64_t;

using RequestId = std::uint64_t;

/// Which run may start steps on the hosts. Hosts keep the highest token of each lock that they have seen and refuse an
/// older one; nobody's memory of a lease is needed for that.
struct Lock {
  std::vector<std::string> names;
  std::uint64_t token = 0;
  std::string run, owner, plan;  // words: no blanks, none empty
  std::int64_t since_unix_s = 0;
};

enum class LockAct : std::uint8_t {
  none,
  look,          // change nothing
  take,          // for this run, if nobody else has it
  renew,         // the lease; where the host has lost the lock, the lock too
  rest,          // the controller goes, the run keeps the lock
  free,          // the run is over; what the host keeps of its steps goes, too
  breaks,        // what the run has, and only if no controller of it is alive
  breaks_alive,  // even then
};

/// What to run on a host. Either `argv` (no shell of ours; quoted for the remote one) or `script` (text for /bin/sh -c,
/// already quoted inside).
struct Command {
  std::vector<std::string> argv;
  std::string script;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string input;                       // standard input; then it is closed
  std::string user;                        // run as this user through sudo; empty: as the login user
  Millis timeout = 0;                      // whole command, from the request; must be > 0
  std::uint64_t output_limit = 16u << 20;  // bytes kept of stdout and of stderr each; what is over is counted, not kept
  /// A step outlives the connection: its claim, output and exit status are kept on the host under this key ("" for
  /// questions, which run directly). The same key again attaches to what is there and never starts it a second time.
  std::string step_key;
  bool attach_only = false;  // never start: only report what the host knows of step_key
  bool secret = false;       // neither command nor output may be logged
  /// A step is claimed under this lock. With `lock_act` there is no command: the host looks at the lock or changes it
  /// and says what it is then, a line for each name (`read_lock_lines`); code 0: done, `lock_is_anothers`,
  /// `lock_is_alive`, else: it could not be.
  std::shared_ptr<const Lock> lock;
  LockAct lock_act = LockAct::none;
  std::int64_t lease_s = 0;  // for take and renew
  /// Only over this connection to the host (see Transport::connection): over a later one nothing is started, and the
  /// answer is `unreachable`. 0: over any.
  std::uint64_t connection = 0;
};

inline constexpr int lock_is_alive = 8;
inline constexpr int lock_is_anothers = 9;

enum class Outcome : std::uint8_t {
  exited,       // `code`
  signaled,     // `signal`
  timed_out,    // the deadline passed; the remote side may still run
  unreachable,  // no connection, or it broke before the command began; nothing was started
  lost,         // the connection broke while it ran; unknown whether it runs on
  refused,      // authentication failed, sudo refused, host key changed or unknown: a person must act; see `detail`
  absent,       // attach_only: the host knows nothing of the step
  running,      // attach_only: the step still runs there (asked again later)
  vanished,     // the step was claimed there, has no exit status and no process any more (killed, or the host rebooted)
  fenced,  // the host knows a newer token of the step's lock: `out` is a line as of `lock_act`; nothing was started
  cancelled,
};

struct Answer {
  RequestId request = 0;
  Outcome outcome = Outcome::unreachable;
  int code = 0;
  int signal = 0;
  std::string out;
  std::string err;
  std::uint64_t out_bytes = 0;  // in all, kept or not
  std::uint64_t err_bytes = 0;
  std::string detail;  // for a person: "connection refused by 127.0.0.1:22", both fingerprints of a changed key, ...
};

/// A piece of output of a request that is under way, for progress and the run's folder.
struct Output {
  RequestId request = 0;
  bool error = false;  // stderr
  std::string bytes;
};

/// Host keys of a host that was reinstalled, as fingerprints ("SHA256:..."): `trusted` is taken (empty: none is), every
/// other is refused; `old` is the one it had before.
struct HostTrust {
  std::string trusted;
  std::string old;
};

/// Runs commands on the plan's hosts. One thread; nothing blocks but `wait`. Order of answers is the transport's own.
/// The controller itself is the host with an invalid id.
class Transport {
 public:
  virtual ~Transport() = default;
  /// Begins; the answer comes from `wait`. Every request gets exactly one answer.
  virtual void start(RequestId request, plan::HostId host, Command command) = 0;
  /// Stops waiting for it (a question's channel is closed; a step goes on at the host). Its answer is `cancelled`
  /// unless one was already there.
  virtual void cancel(RequestId request) = 0;
  /// Drops the session to a host (it reboots); the next request connects again.
  virtual void disconnect(plan::HostId host) = 0;
  /// From the next connection on this counts instead of what is known of the host elsewhere.
  virtual void trust(plan::HostId, HostTrust) {}
  /// Fingerprint of the key that the host showed last, taken or refused; empty: it has shown none.
  virtual std::string shown_key(plan::HostId) { return {}; }
  /// Number of the last connection to the host, a new one after each reconnect; 0: none yet, or it is not counted.
  virtual std::uint64_t connection(plan::HostId) { return 0; }
  /// Waits until something happened, a signal came, or `until` (nothing: return at once what is there). Appends to
  /// both.
  virtual void wait(std::optional<Millis> until, std::vector<Answer> &answers, std::vector<Output> &outputs) = 0;
};

class Clock {
 public:
  virtual ~Clock() = default;
  virtual Millis monotonic() = 0;
  /// The same, but going on while the controller sleeps (suspended, its virtual machine paused).
  virtual Millis steady() { return monotonic(); }
  /// Seconds since 1970 UTC, with milliseconds as fraction kept in the second value.
  virtual std::int64_t unix_ms() = 0;
};

}  // namespace upg::machine
