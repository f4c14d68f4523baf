#include "runtime/tools/owner.h"

#include <fmt/format.h>
#include <signal.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <string_view>
#include <vector>

#include "runtime/tools/session.h"

namespace upg::run {
namespace {

constexpr std::size_t kFields = 6;

std::string first_line(const char *path, std::size_t most) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line.substr(0, most);
}

/// Start of a process in ticks since boot, field 22; empty: not to be had.
std::string start_of(pid_t pid) {
  const std::string line = first_line(fmt::format("/proc/{}/stat", pid).c_str(), 4096);
  const std::size_t name = line.rfind(')');
  if (name == std::string::npos) return {};
  std::istringstream rest(line.substr(name + 1));
  std::string word;
  for (int field = 3; field <= 22; ++field)
    if (!(rest >> word)) return {};
  return word;
}

std::string pid_namespace() {
  std::array<char, 64> name{};
  const ssize_t n = readlink("/proc/self/ns/pid", name.data(), name.size());
  std::string digits;
  for (const char c : std::string_view(name.data(), n > 0 ? static_cast<std::size_t>(n) : 0))
    if (c >= '0' && c <= '9') digits += c;
  return digits;
}

/// Machine, boot and namespace: between these a pid means something.
std::array<std::string, 3> here() {
  return {first_line("/etc/machine-id", 12), first_line("/proc/sys/kernel/random/boot_id", 8), pid_namespace()};
}

}  // namespace

std::string lock_owner() {
  std::array<char, 256> host{};
  if (gethostname(host.data(), host.size() - 1) != 0) host[0] = 0;
  const auto [machine, boot, space] = here();
  return fmt::format("{}@{}:{}:{}:{}:{}:{}", user_name(), host.data(), machine, boot, space, getpid(),
                     start_of(getpid()));
}

bool owner_is_dead(const std::string &owner) {
  std::vector<std::string> fields(1);
  for (const char c : owner) {
    if (c == ':')
      fields.emplace_back();
    else
      fields.back() += c;
  }
  if (fields.size() != kFields) return false;
  const auto [machine, boot, space] = here();
  if (machine.empty() || boot.empty() || fields[1] != machine) return false;
  if (fields[2] != boot) return true;
  if (space.empty() || fields[3] != space) return false;
  pid_t pid = 0;
  const std::string &text = fields[4];
  if (std::from_chars(text.data(), text.data() + text.size(), pid).ec != std::errc() || pid <= 0) return false;
  if (kill(pid, 0) != 0 && errno == ESRCH) return true;
  const std::string start = start_of(pid);
  return !start.empty() && start != fields[5];
}

}  // namespace upg::run
