#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/machine/transport.h"
#include "runtime/transport/secret.h"
#include "runtime/transport/shell.h"
#include "runtime/transport/stream.h"

namespace upg::transport {

/// Requests of the transport itself, which nobody is told about.
inline constexpr machine::RequestId own_request = ~machine::RequestId{0};

/// One request under way, the same for the local host and for one behind ssh: its text, its output so far, and what to
/// feed it.
class Job {
 public:
  /// `sudo_password` must outlive the job.
  Job(machine::RequestId request, machine::Command command, machine::Millis now, std::string_view word,
      const Secret &sudo_password, std::string_view state_directory);

  ~Job();
  Job(const Job &) = delete;
  Job &operator=(const Job &) = delete;

  machine::RequestId request() const { return request_; }
  const machine::Command &command() const { return command_; }
  machine::Millis deadline() const { return deadline_; }
  bool is_step() const { return !command_.step_key.empty(); }
  /// Why it cannot be sent at all, if so.
  const std::optional<std::string> &defect() const { return defect_; }
  const std::string &text() const { return text_; }

  CommandStream &stream() { return stream_; }
  /// Bytes that may be written to standard input now; `written` takes them off.
  std::string_view pending_input();
  void written(std::size_t count);
  /// Everything is written: standard input can be closed.
  bool input_done();
  /// sudo asked a second time.
  bool password_rejected() const { return asks_password_ && stream_.prompts() > 1; }

  /// Makes it ready to be sent once more (nothing of it was started before).
  void reset();
  /// The answer when the remote process ended with this exit status or signal.
  machine::Answer conclude(std::optional<int> code, int signal, std::vector<machine::Output> &outputs);
  /// The answer for any other end, with the output so far.
  machine::Answer give_up(machine::Outcome outcome, std::string detail, std::vector<machine::Output> &outputs);

 private:
  void feed(std::string text);

  machine::RequestId request_;
  machine::Command command_;
  machine::Millis deadline_;
  Framing framing_;
  const Secret &sudo_password_;
  bool asks_password_;  // sudo asks on stderr, password and input wait for it
  bool password_fed_ = false;
  bool input_fed_ = false;
  std::string input_;  // what is to be written now
  std::size_t sent_ = 0;
  std::optional<std::string> defect_;
  std::string text_;
  CommandStream stream_;
};

}  // namespace upg::transport
