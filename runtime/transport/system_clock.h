#pragma once
#include "runtime/machine/transport.h"

namespace upg::transport {

/// The real clock: CLOCK_MONOTONIC, CLOCK_BOOTTIME and CLOCK_REALTIME in milliseconds. The real transports' deadlines
/// are on the same scale.
class SystemClock : public machine::Clock {
 public:
  machine::Millis monotonic() override;
  machine::Millis steady() override;
  std::int64_t unix_ms() override;
};

machine::Millis monotonic_now();

}  // namespace upg::transport
