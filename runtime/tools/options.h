#pragma once
#include <string>

#include "runtime/diagnostics/render_text.h"
#include "runtime/report/progress.h"
#include "runtime/tools/command.h"

namespace upg::run {

/// How to reach the hosts.
struct ReachOptions {
  llvm::cl::opt<std::string> ssh_config{"ssh-config",
                                        llvm::cl::desc("ssh_config to use instead of the user's; `none` for none"),
                                        llvm::cl::value_desc("file")};
  llvm::cl::list<std::string> known_hosts{"known-hosts",
                                          llvm::cl::desc("known_hosts files to use instead of the usual ones"),
                                          llvm::cl::value_desc("file")};
  llvm::cl::list<std::string> identity{"identity", llvm::cl::desc("private key to try first"),
                                       llvm::cl::value_desc("file")};
  llvm::cl::list<std::string> host_key{
      "host-key", llvm::cl::desc("the new host key of a host that the run reinstalls, as its console shows it"),
      llvm::cl::value_desc("HOST=SHA256:...")};
  llvm::cl::opt<bool> no_agent{"no-agent", llvm::cl::desc("do not ask the ssh agent")};
  llvm::cl::opt<unsigned> lease{
      "lease", llvm::cl::desc("so long after its last word a controller is taken for alive (default 60)"),
      llvm::cl::value_desc("seconds"), llvm::cl::init(60)};
  llvm::cl::opt<bool> ask_sudo{"ask-sudo-password",
                               llvm::cl::desc("ask once for the password that sudo wants on the hosts")};
  llvm::cl::list<std::string> secret{
      "secret",
      llvm::cl::desc("where a secret of the plan comes from here (`become`: the password for sudo): NAME=prompt, "
                     "env:VARIABLE, file:PATH, credential:NAME or command:TEXT"),
      llvm::cl::value_desc("name=source")};
};

/// Whom a run tells that it halted, waits for a person or has ended.
struct TellOptions {
  llvm::cl::opt<std::string> command{
      "notify-command",
      llvm::cl::desc("told of a halt, a pause for a person and the end: run by sh, the text on its standard input"),
      llvm::cl::value_desc("command")};
  llvm::cl::opt<std::string> url{
      "notify-url",
      llvm::cl::desc("the same as a POST of {\"text\": ...}; where the URL is: file:PATH, env:NAME or "
                     "credential:NAME"),
      llvm::cl::value_desc("reference")};
  llvm::cl::opt<unsigned> answer_within{
      "answer-within",
      llvm::cl::desc(
          "without a terminal: so long a question to a person is waited on, for `upgrun answer` (default 0)"),
      llvm::cl::value_desc("seconds"), llvm::cl::init(0)};
};

struct ColorOption {
  llvm::cl::opt<diagnostics::Color> color{
      "color", llvm::cl::desc("colours in diagnostics"),
      llvm::cl::values(clEnumValN(diagnostics::Color::automatic, "auto", "on a terminal, unless NO_COLOR is set"),
                       clEnumValN(diagnostics::Color::always, "always", ""),
                       clEnumValN(diagnostics::Color::never, "never", "")),
      llvm::cl::init(diagnostics::Color::automatic)};
};

/// How a run shows itself.
struct ShowOptions : ColorOption {
  llvm::cl::opt<report::ProgressKind> progress{
      "progress", llvm::cl::desc("how the run is shown"),
      llvm::cl::values(clEnumValN(report::ProgressKind::automatic, "auto", "live on a terminal, else plain (default)"),
                       clEnumValN(report::ProgressKind::live, "live", "a block that is redrawn"),
                       clEnumValN(report::ProgressKind::plain, "plain", "one line for each event, and a heartbeat"),
                       clEnumValN(report::ProgressKind::json, "json", "one event a line, for a program")),
      llvm::cl::init(report::ProgressKind::automatic)};
  llvm::cl::opt<std::string> runs{"runs",
                                  llvm::cl::desc("folder that holds the runs (default ~/.local/state/upg/runs)"),
                                  llvm::cl::value_desc("folder")};
};

}  // namespace upg::run
