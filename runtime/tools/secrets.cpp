#include "runtime/tools/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "runtime/report/tell.h"
#include "runtime/tools/session.h"
#include "runtime/transport/spawn.h"

namespace upg::run {
namespace {

constexpr std::size_t kMost = 65'536;  // bytes of one secret
constexpr int kCommandMs = 120'000;    // a command may ask a person
constexpr std::size_t kSaid = 200;     // of what such a command says about its failure

/// A secret that could not be had, with what to do.
using Problem = std::optional<std::string>;

Problem from_file(const std::string &path, std::string &value) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return fmt::format("{} cannot be read: {}", path, std::strerror(errno));
  struct stat st {};
  const bool regular = ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
  Problem problem;
  if (!regular)
    problem = path + " is no regular file";
  else if (static_cast<std::uint64_t>(st.st_size) > kMost)
    problem = fmt::format("{} is larger than {} bytes", path, kMost);
  value.resize(problem ? 0 : static_cast<std::size_t>(st.st_size));
  std::size_t have = 0;
  while (have < value.size()) {
    const ssize_t n = ::read(fd, value.data() + have, value.size() - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) problem = fmt::format("{} cannot be read: {}", path, std::strerror(errno));
    if (n <= 0) break;
    have += static_cast<std::size_t>(n);
  }
  value.resize(have);
  ::close(fd);
  if (regular && !problem && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    fmt::print(stderr, "upgrun: warning: {} holds a secret, and others may read it; chmod 600 it\n", path);
  return problem;
}

Problem from_credential(const std::string &name, std::string &value) {
  const char *folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (!folder || *folder != '/')
    return fmt::format(
        "credential {} is asked for, and no service manager gave any ($CREDENTIALS_DIRECTORY is not set); "
        "start it as a service with LoadCredentialEncrypted={}:...",
        name, name);
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
    return fmt::format("`{}` is no name of a credential", name);
  return from_file(std::string(folder) + "/" + name, value);
}

Problem from_command(const std::string &text, std::string &value) {
  std::string said;
  const bool ok = transport::run_for_output({"/bin/sh", "-c", text}, kCommandMs, value, said);
  if (!ok) return fmt::format("`{}` failed: {}", text, said.substr(0, kSaid));
  return value.size() > kMost ? Problem(fmt::format("`{}` prints more than {} bytes", text, kMost)) : std::nullopt;
}

/// Where a secret comes from: a word, and what belongs to it.
struct Source {
  std::string kind, argument;
};

Source of_plan(const plan::Plan &plan, const plan::Secret &s) {
  const std::string argument(plan.text(s.argument));
  switch (s.source) {
    case plan::SecretSource::environment:
      return {"env", argument};
    case plan::SecretSource::file:
      return {"file", argument};
    default:
      return {"prompt", argument};
  }
}

Problem one(const Source &source, const std::string &name, std::string &value) {
  if (source.kind == "prompt") {
    auto typed = ask_terminal(source.argument.empty() ? name + ":" : source.argument, true);
    if (!typed) return "it is asked for at the terminal, and there is none";
    value = std::move(*typed);
    return std::nullopt;
  }
  if (source.kind == "env") {
    const char *v = std::getenv(source.argument.c_str());
    if (!v) return fmt::format("the variable {} is not set", source.argument);
    value = v;
    return std::nullopt;
  }
  Problem problem = source.kind == "file"         ? from_file(source.argument, value)
                    : source.kind == "credential" ? from_credential(source.argument, value)
                                                  : from_command(source.argument, value);
  while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
  return problem;
}

/// "NAME=SOURCE". Nothing, with the reason printed, if one says something else or names no secret.
std::optional<std::map<std::string, Source>> parse_sources(const plan::Plan &plan,
                                                           const std::vector<std::string> &sources) {
  std::map<std::string, Source> found;
  for (const std::string &text : sources) {
    const std::size_t equals = std::min(text.find('='), text.size()), colon = text.find(':', equals);
    const std::string name = text.substr(0, equals);
    Source source;
    if (equals < text.size())
      source.kind = text.substr(equals + 1, colon == std::string::npos ? colon : colon - equals - 1);
    if (colon != std::string::npos) source.argument = text.substr(colon + 1);
    const bool known =
        source.kind == "env" || source.kind == "file" || source.kind == "credential" || source.kind == "command";
    if (source.kind != "prompt" && (!known || source.argument.empty())) {  // it may be the secret itself: not repeated
      fmt::print(stderr,
                 "upgrun: --secret {}=...: a secret comes from prompt, env:VARIABLE, file:PATH, credential:NAME or "
                 "command:TEXT\n",
                 report::printable(name));
      return std::nullopt;
    }
    bool named = name == "become";
    for (const plan::Secret &s : plan.secrets) named = named || plan.text(s.name) == name;
    if (!named) {
      fmt::print(stderr, "upgrun: --secret: the plan has no secret `{}`\n", report::printable(name));
      return std::nullopt;
    }
    found[name] = std::move(source);
  }
  return found;
}

/// Takes a secret, or says why not.
bool take(const Source &source, const std::string &name, std::string &value) {
  Problem problem = one(source, name, value);
  if (!problem && value.empty()) problem = "it is empty";
  if (!problem && value.find('\0') != std::string::npos) problem = "there is a NUL byte in it";
  if (problem) fmt::print(stderr, "upgrun: secret `{}`: {}\n", name, report::printable(*problem));
  return !problem;
}

}  // namespace

void forget_variable(const std::string &variable) {
  if (char *v = std::getenv(variable.c_str())) explicit_bzero(v, std::strlen(v));
  unsetenv(variable.c_str());
}

void keep_out_of_dumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)  // which looks for leaks by tracing its own process
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

bool collect_secrets(const plan::Plan &plan, const std::vector<std::string> &sources, std::vector<std::string> &secrets,
                     std::string &sudo) {
  const auto here = parse_sources(plan, sources);
  if (!here) return false;
  std::vector<std::string> variables;
  bool ok = true;
  auto get = [&](const std::string &name, const Source &source, std::string &value) {
    if (source.kind == "env") variables.push_back(source.argument);
    ok = ok && take(source, name, value);
  };
  secrets.reserve(plan.secrets.size());  // no copy is left behind where they would have to move
  for (const plan::Secret &s : plan.secrets) {
    const std::string name(plan.text(s.name));
    const auto it = here->find(name);
    std::string &value = secrets.emplace_back();
    get(name, it == here->end() ? of_plan(plan, s) : it->second, value);
    if (name == "become") sudo = value;
  }
  const char *folder = std::getenv("CREDENTIALS_DIRECTORY");
  if (const auto it = here->find("become"); it != here->end() && sudo.empty()) {
    get("become", it->second, sudo);
  } else if (const std::string path = folder ? std::string(folder) + "/upg.sudo" : std::string();
             sudo.empty() && !path.empty() && ::access(path.c_str(), F_OK) == 0) {
    get("become", {"credential", "upg.sudo"}, sudo);
  }
  for (const std::string &variable : variables) forget_variable(variable);
  return ok;
}

}  // namespace upg::run
