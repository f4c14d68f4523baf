#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/simulate/contract.h"
#include "runtime/transport/simulated/random.h"

namespace upg::simulate {

using machine::Millis;

/// Something that goes wrong without the plan having done it.
struct Fault {
  enum class Kind : std::uint8_t {
    crash,       // a host goes down by itself, with everything that runs on it
    partition,   // the controller has no way to a host; the host works on
    slow,        // commands on a host take longer than they may
    flap,        // the answers of a gate change from one asking to the next
    lie,         // a gate passes, whatever it should say
    failure,     // a command of a step ends with an exit code that it may not have
    controller,  // the controller dies and is started again
  };
  /// What `number` counts, of the controller's whole run.
  enum class Of : std::uint8_t {
    record,   // of the journal
    request,  // to a host
    turn,     // of the machine
  };
  static constexpr std::uint64_t by_time = 0;
  static constexpr Millis for_good = std::numeric_limits<Millis>::max() / 4;

  Kind kind = Kind::crash;
  HostIndex host = plan::HostId::none;  // crash, partition, slow
  plan::GateId gate;                    // flap, lie
  Millis from = 0;
  Millis until = 0;          // crash, partition, slow, flap, lie: when it is over
  std::uint64_t number = 0;  // failure: the how manieth command; controller: the how manieth of `of`, or `by_time`
  Of of = Of::record;
  bool kept = false;  // controller: that record is on disk, that request is sent; failure: some of the work is done
  Millis away = 0;    // controller: until it is started again
};

/// What a run without faults looks like: where faults may fall.
struct Measure {
  Millis length = 0;
  std::uint64_t records = 0;
  std::uint64_t commands = 0;
  std::uint64_t requests = 0;
  std::uint64_t turns = 0;
  Millis abort_at = -1;  // when somebody aborted it; -1: nobody did
};

/// At most `most` faults, in the order of their times; the same for the same seed.
std::vector<Fault> draw_faults(const plan::Plan &plan, const Measure &measure, unsigned most, std::uint64_t seed);

std::string_view name_of(Fault::Kind kind);
/// "node2 crashes at 0:12:40 for 0:03:10".
std::string text_of(const plan::Plan &plan, const Fault &fault);
/// "1:02:03"
std::string clock_text(Millis elapsed);

}  // namespace upg::simulate
