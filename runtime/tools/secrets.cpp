#include "runtime/tools/secrets.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "runtime/report/tell.h"
#include "runtime/tools/session.h"

namespace upg::run {
namespace {

constexpr std::size_t kMost = 65'536;  // bytes of one secret

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

Problem one(plan::SecretSource source, const std::string &name, const std::string &argument, std::string &value) {
  switch (source) {
    case plan::SecretSource::prompt: {
      auto typed = ask_terminal(argument.empty() ? name + ":" : argument, true);
      if (!typed) return "it is asked for at the terminal, and there is none";
      value = std::move(*typed);
      return std::nullopt;
    }
    case plan::SecretSource::environment: {
      const char *v = std::getenv(argument.c_str());
      if (!v) return fmt::format("the variable {} is not set", argument);
      value = v;
      return std::nullopt;
    }
    case plan::SecretSource::file:
      return from_file(argument, value);
    case plan::SecretSource::count_:
      break;
  }
  return "its source is not known";
}

}  // namespace

void keep_out_of_dumps() {
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
#if !defined(__SANITIZE_ADDRESS__)  // which looks for leaks by tracing its own process
  prctl(PR_SET_DUMPABLE, 0);
#endif
}

bool collect_secrets(const plan::Plan &plan, std::vector<std::string> &secrets, std::string &sudo) {
  secrets.reserve(plan.secrets.size());
  for (const plan::Secret &s : plan.secrets) {
    const std::string name(plan.text(s.name)), argument(plan.text(s.argument));
    std::string &value = secrets.emplace_back();
    Problem problem = one(s.source, name, argument, value);
    if (s.source != plan::SecretSource::prompt && s.source != plan::SecretSource::environment)
      while (!value.empty() && (value.back() == '\n' || value.back() == '\r')) value.pop_back();
    if (!problem && value.empty()) problem = "it is empty";
    if (!problem && value.find('\0') != std::string::npos) problem = "there is a NUL byte in it";
    if (problem) {
      fmt::print(stderr, "upgrun: secret `{}`: {}\n", name, report::printable(*problem));
      return false;
    }
    if (name == "become") sudo = value;
  }
  for (const plan::Secret &s : plan.secrets) {
    if (s.source != plan::SecretSource::environment) continue;
    const std::string variable(plan.text(s.argument));
    if (char *v = std::getenv(variable.c_str())) explicit_bzero(v, std::strlen(v));
    unsetenv(variable.c_str());
  }
  return true;
}

}  // namespace upg::run
