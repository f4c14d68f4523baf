#include "runtime/transport/system_clock.h"

#include <ctime>

namespace upg::transport {
namespace {

std::int64_t read_clock(clockid_t id) {
  timespec now{};
  clock_gettime(id, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1000000;
}

}  // namespace

machine::Millis monotonic_now() { return read_clock(CLOCK_MONOTONIC); }
machine::Millis SystemClock::monotonic() { return monotonic_now(); }
machine::Millis SystemClock::steady() { return read_clock(CLOCK_BOOTTIME); }
std::int64_t SystemClock::unix_ms() { return read_clock(CLOCK_REALTIME); }

}  // namespace upg::transport
