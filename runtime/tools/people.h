#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/machine.h"
#include "runtime/report/control.h"
#include "runtime/report/progress.h"

namespace upg::run {

/// Asks people: a question is printed, and a line of standard input answers it, or an `upgrun answer` in another
/// terminal. Without a terminal of its own it waits `patience` for the latter; then nobody has answered.
class Questioner final : public machine::People {
 public:
  Questioner(report::Progress &progress, machine::Clock &clock, machine::Millis patience)
      : progress_(progress), clock_(clock), patience_(patience) {}
  void ask(std::uint64_t id, const std::string &text, bool confirm) override;

  /// Takes what was typed; delivers whole lines.
  void typed(machine::Machine &machine);
  /// What another terminal asks ("question") or answers ("answer NUMBER TEXT", or "-" for the only one): what it is
  /// told, a line that begins with "ok " or "no "; nothing: it is about something else.
  std::optional<std::string> elsewhere(machine::Machine &machine, const report::Control::Request &request);
  /// Nobody answers what has waited for long enough.
  void give_up(machine::Machine &machine);
  bool waiting() const { return !pending_.empty(); }

  std::function<void(const std::string &)> tell;  // somebody else who should know

 private:
  struct Asked {
    std::uint64_t id;
    bool confirm;
    std::string text;
    machine::Millis until;  // 0: for ever
  };
  /// What the machine no longer waits for.
  void forget(const machine::Machine &machine);
  std::string all() const;
  /// The question is answered; false: not with that.
  bool deliver(machine::Machine &machine, std::size_t which, std::string text, const std::string &who);
  report::Progress &progress_;
  machine::Clock &clock_;
  machine::Millis patience_;
  std::vector<Asked> pending_;
  std::string line_;
};

}  // namespace upg::run
