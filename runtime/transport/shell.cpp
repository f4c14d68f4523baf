#include "runtime/transport/shell.h"

#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "runtime/transport/step_text.h"

namespace upg::transport {
namespace {

constexpr std::size_t max_readable_key = 60;

std::string words(const std::vector<std::string> &parts) {
  std::string text;
  for (const std::string &part : parts) {
    if (!text.empty()) text += ' ';
    text += shell_quote(part);
  }
  return text;
}

std::string hex_digest(std::string_view text, std::size_t digits) {
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const unsigned char *>(text.data()), text.size(), digest.data());
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  for (const unsigned char byte : digest) {
    out += hex[byte >> 4];
    out += hex[byte & 15];
  }
  out.resize(digits);
  return out;
}

/// Names of directories, and the line that a host keeps of the lock.
std::string lock_names(const machine::Lock &lock) {
  std::string names;
  for (const std::string &name : lock.names) names += (names.empty() ? "" : " ") + step_directory_name(name);
  return names;
}

std::string lock_line(const machine::Lock &lock) {
  return std::to_string(lock.token) + " held " + lock.run + " " + std::to_string(lock.since_unix_s) + " " + lock.owner +
         " " + lock.plan;
}

std::string_view verb_of(machine::LockAct act) {
  switch (act) {
    case machine::LockAct::none:
    case machine::LockAct::look:
      break;
    case machine::LockAct::take:
      return "take";
    case machine::LockAct::renew:
      return "renew";
    case machine::LockAct::rest:
      return "rest";
    case machine::LockAct::free:
      return "free";
    case machine::LockAct::breaks:
      return "break";
    case machine::LockAct::breaks_alive:
      return "force";
  }
  return "look";
}

std::vector<std::string> step_arguments(std::string_view mode, const machine::Command &command, const Framing &framing,
                                        std::string_view state_directory) {
  return {std::string(step_script),
          std::string(mode),
          framing.end,
          framing.start,
          command.step_key,
          step_directory_name(command.step_key),
          command.user,
          framing.prompt.empty() || command.user.empty() ? "n" : "y",
          command.input.empty() && !sends_environment(command) ? "n" : "y",
          std::string(state_directory),
          command.attach_only ? std::string() : inner_text(command),
          command.lock ? std::to_string(command.lock->token) : std::string(),
          command.lock ? lock_line(*command.lock) : std::string(),
          command.lock ? lock_names(*command.lock) : std::string()};
}

}  // namespace

std::string shell_quote(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'') {
      out += "'\\''";
    } else {
      out += c;
    }
  }
  return out + "'";
}

Framing make_framing(std::string_view word, bool password, bool step) {
  Framing framing;
  framing.start = "upg-start-" + std::string(word) + ":";
  if (password) framing.prompt = "upg-password-" + std::string(word) + ":";
  if (step) framing.end = "upg-end-" + std::string(word) + ":";
  return framing;
}

bool sends_environment(const machine::Command &command) {
  return command.secret && !command.environment.empty() && !command.attach_only;
}

std::string whole_input(const machine::Command &command) {
  if (!sends_environment(command)) return command.input;
  std::string text;
  for (const auto &[name, value] : command.environment) text += "export " + name + "=" + shell_quote(value) + "\n";
  return text + command.input;
}

std::string inner_text(const machine::Command &command) {
  if (sends_environment(command)) {
    // Whoever looks at the processes of a host sees their arguments: values come on standard input, before its own.
    const std::string lines = whole_input(command);
    const auto count = std::count(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(command.input.size()), '\n');
    machine::Command rest = command;
    rest.environment.clear();
    return "exec /bin/sh -c " +
           shell_quote(
               "upg_n=0 upg_e=; while [ $upg_n -lt " + std::to_string(count) +
               " ]; do IFS= read -r upg_l || exit 125; upg_e=\"$upg_e$upg_l\n\"; upg_n=$((upg_n + 1)); done; eval "
               "\"$upg_e\"; unset upg_n upg_e upg_l; " +
               inner_text(rest));
  }
  std::vector<std::string> parts;
  if (!command.environment.empty()) {
    parts.push_back("env");
    for (const auto &[name, value] : command.environment) parts.push_back(name + "=" + value);
  }
  if (!command.argv.empty()) {
    const std::string &program = command.argv.front();
    // env would take a program with '=' for a variable, exec one with '-' in front for an option.
    if (program.find('=') != std::string::npos || (!program.empty() && program.front() == '-')) {
      parts.insert(parts.end(), {"/bin/sh", "-c", "\"$0\" \"$@\""});
    }
    parts.insert(parts.end(), command.argv.begin(), command.argv.end());
  } else {
    parts.insert(parts.end(), {"/bin/sh", "-c", command.script});
  }
  return "exec " + words(parts);
}

std::string question_text(const machine::Command &command, const Framing &framing) {
  const std::string text = "printf %s%s: " + shell_quote(framing.start) + " $$; " + inner_text(command);
  if (command.user.empty()) return text;
  std::vector<std::string> sudo = {"sudo"};
  if (framing.prompt.empty()) {
    sudo.push_back("-n");
  } else {
    sudo.insert(sudo.end(), {"-S", "-p", framing.prompt});
  }
  sudo.insert(sudo.end(), {"-u", command.user, "--", "/bin/sh", "-c", text});
  return "exec " + words(sudo);
}

std::string step_text(const machine::Command &command, const Framing &framing, std::string_view state_directory) {
  return "exec /bin/sh -c 'eval \"$1\"' upg-step " +
         words(step_arguments(command.attach_only ? "attach" : "run", command, framing, state_directory));
}

std::string step_directory_name(std::string_view key) {
  std::string name;
  for (const char c : key.substr(0, max_readable_key)) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    name += plain ? c : '_';
  }
  return name + "-" + hex_digest(key, 16);
}

machine::Command lock_command(const machine::Command &command, std::string_view state_directory) {
  machine::Command run;
  const machine::Lock &lock = *command.lock;
  run.argv = {"/bin/sh",
              "-c",
              "eval \"$1\"",
              "upg-lock",
              std::string(lock_script),
              std::string(state_directory),
              std::string(verb_of(command.lock_act)),
              std::to_string(command.lease_s),
              std::to_string(lock.token),
              lock.run,
              lock.owner,
              lock_line(lock)};
  for (const std::string &name : lock.names) run.argv.push_back(step_directory_name(name));
  run.timeout = command.timeout;
  return run;
}

machine::Command forget_step(std::string key, machine::Millis timeout, std::string_view state_directory) {
  machine::Command asked;
  asked.step_key = std::move(key);
  asked.attach_only = true;
  machine::Command command;
  command.argv = {"/bin/sh", "-c", "eval \"$1\"", "upg-step"};
  for (std::string &argument : step_arguments("forget", asked, Framing(), state_directory)) {
    command.argv.push_back(std::move(argument));
  }
  command.timeout = timeout;
  return command;
}

}  // namespace upg::transport
