#include "runtime/transport/job.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

namespace upg::transport {
namespace {

bool has_nul(const machine::Command &command) {
  const auto nul = [](std::string_view text) { return text.find('\0') != std::string_view::npos; };
  for (const std::string &word : command.argv) {
    if (nul(word)) return true;
  }
  for (const auto &[name, value] : command.environment) {
    if (nul(name) || nul(value) || name.empty() || name.find('=') != std::string::npos) return true;
  }
  if (command.lock) {
    for (const std::string &name : command.lock->names)
      if (nul(name)) return true;
  }
  return nul(command.script) || nul(command.user) || nul(command.step_key);
}

/// What really runs: a command, or the script of a lock.
machine::Command asked(const machine::Command &command, std::string_view state_directory) {
  return command.lock_act == machine::LockAct::none ? command : lock_command(command, state_directory);
}

std::string one_line(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, 400)) {
    if (c == '\n' || c == '\r' || c == '\t') {
      if (!out.empty() && out.back() != ' ') out += ' ';
    } else if (static_cast<unsigned char>(c) >= 32 && c != 127) {
      out += c;
    }
  }
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return out;
}

/// What a shell takes for the name of a variable.
bool is_identifier(std::string_view name) {
  const auto letter = [](char c) { return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(), [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::optional<std::string> find_defect(const machine::Command &command, const std::string &text) {
  if (command.argv.empty() && command.script.empty() && !command.attach_only &&
      command.lock_act == machine::LockAct::none)
    return "the command is empty";
  if (command.attach_only && command.step_key.empty()) return "attaching needs the key of a step";
  if (command.timeout <= 0) return "the command has no timeout";
  if (has_nul(command)) return "a NUL byte or a bad environment name in the command";
  if (sends_environment(command)) {
    for (const auto &[name, value] : command.environment)
      if (!is_identifier(name)) return fmt::format("a secret cannot be given in a variable named `{}`", one_line(name));
  }
  if (text.size() > max_command_text) {
    return fmt::format("the command is {} bytes long; at most {} can be sent, longer texts belong in its input",
                       text.size(), max_command_text);
  }
  return std::nullopt;
}

}  // namespace

Job::Job(machine::RequestId request, machine::Command command, machine::Millis now, std::string_view word,
         const Secret &sudo_password, std::string_view state_directory)
    : request_(request),
      command_(std::move(command)),
      deadline_(now + command_.timeout),
      framing_(make_framing(word, !sudo_password.empty() && !command_.user.empty(), !command_.step_key.empty())),
      sudo_password_(sudo_password),
      asks_password_(!framing_.prompt.empty() && command_.step_key.empty()),
      text_(command_.step_key.empty() ? question_text(asked(command_, state_directory), framing_)
                                      : step_text(command_, framing_, state_directory)),
      stream_(request, command_.output_limit, framing_) {
  defect_ = find_defect(command_, text_);
}

Job::~Job() {
  Secret::wipe(input_);
  if (!command_.secret) return;
  Secret::wipe(command_.input);
  for (auto &[name, value] : command_.environment) Secret::wipe(value);
}

/// No copy of the text stays behind.
void Job::feed(std::string text) {
  std::string all;
  all.reserve(input_.size() + text.size());
  all.append(input_).append(text);
  input_.swap(all);
  Secret::wipe(all);
  Secret::wipe(text);
}

std::string_view Job::pending_input() {
  if (asks_password_) {
    if (!password_fed_ && stream_.prompts() == 1) {
      feed(sudo_password_.text() + "\n");
      password_fed_ = true;
    }
    if (!input_fed_ && stream_.started()) {
      feed(whole_input(command_));
      input_fed_ = true;
    }
  } else if (!input_fed_) {
    if (!framing_.prompt.empty() && !command_.attach_only) feed(sudo_password_.text() + "\n");
    if (!command_.attach_only) feed(whole_input(command_));
    input_fed_ = true;
  }
  return std::string_view(input_).substr(sent_);
}

void Job::written(std::size_t count) {
  sent_ += count;
  if (sent_ == input_.size()) {
    Secret::wipe(input_);
    sent_ = 0;
  }
}

bool Job::input_done() { return pending_input().empty() && input_fed_; }

void Job::reset() {
  Secret::wipe(input_);
  sent_ = 0;
  password_fed_ = false;
  input_fed_ = false;
  stream_ = CommandStream(request_, command_.output_limit, framing_);
}

machine::Answer Job::give_up(machine::Outcome outcome, std::string detail, std::vector<machine::Output> &outputs) {
  Secret::wipe(input_);
  stream_.finish(outputs);
  machine::Answer answer;
  answer.request = request_;
  answer.outcome = outcome;
  answer.detail = std::move(detail);
  stream_.move_to(answer);
  return answer;
}

machine::Answer Job::conclude(std::optional<int> code, int signal, std::vector<machine::Output> &outputs) {
  machine::Answer answer = give_up(machine::Outcome::exited, {}, outputs);
  if (!stream_.started()) {
    answer.outcome = machine::Outcome::refused;
    const std::string said = one_line(answer.err.empty() ? stream_.noise() : std::string_view(answer.err));
    answer.detail = fmt::format("{} did not start the command{}{}", command_.user.empty() ? "the login shell" : "sudo",
                                said.empty() ? "" : ": ", said);
    if (code) answer.detail += fmt::format(" (exit status {})", *code);
    return answer;
  }
  if (!stream_.noise().empty())
    answer.detail = fmt::format("dropped what the login shell wrote first: {}", one_line(stream_.noise()));
  if (!is_step()) {
    if (code) {
      answer.code = *code;
    } else {
      answer.outcome = machine::Outcome::signaled;
      answer.signal = signal;
    }
    return answer;
  }
  const std::string_view said = stream_.trailer();
  const std::string_view state = said.substr(0, said.find(' '));
  const std::string_view rest = state.size() < said.size() ? said.substr(state.size() + 1) : std::string_view();
  if (state == "exited" &&
      std::from_chars(rest.data(), rest.data() + rest.size(), answer.code).ptr == rest.data() + rest.size() &&
      !rest.empty()) {
    return answer;
  }
  if (state == "signaled" && !rest.empty() &&
      std::from_chars(rest.data(), rest.data() + rest.size(), answer.signal).ptr == rest.data() + rest.size()) {
    answer.outcome = machine::Outcome::signaled;
    return answer;
  }
  if (state == "vanished") {
    answer.outcome = machine::Outcome::vanished;
    answer.detail = "the step was started there, has no exit status and no process any more";
  } else if (state == "running") {
    answer.outcome = machine::Outcome::running;
  } else if (state == "absent") {
    answer.outcome = machine::Outcome::absent;
  } else if (state == "fenced") {
    answer.outcome = machine::Outcome::fenced;
    answer.out = rest;
  } else if (state == "refused") {
    answer.outcome = machine::Outcome::refused;
    answer.detail = one_line(rest);
  } else {
    answer.outcome = machine::Outcome::lost;
    answer.detail = "what followed the step on the host ended without a report";
  }
  return answer;
}

}  // namespace upg::transport
