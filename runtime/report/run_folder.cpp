#include "runtime/report/run_folder.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <filesystem>

namespace upg::report {
namespace fs = std::filesystem;

namespace {
constexpr std::uint64_t kStepBytes = 1ull << 30;       // of one host's commands
constexpr std::uint64_t kQuestionBytes = 64ull << 20;  // of one host's questions

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

int open_to_append(const std::string &path) {
  return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
}

std::string safe_name(std::string_view name) {
  std::string out;
  for (char c : name) out += std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_' || c == '.' ? c : '_';
  return out.empty() || out[0] == '.' ? "_" + out : out.substr(0, 80);
}
}  // namespace

std::string RunFolder::root(const std::string &wish) {
  if (!wish.empty()) return wish;
  const char *state = std::getenv("XDG_STATE_HOME");
  const char *home = std::getenv("HOME");
  return state && *state == '/' ? std::string(state) + "/upg/runs"
                                : std::string(home && *home ? home : ".") + "/.local/state/upg/runs";
}

std::unique_ptr<RunFolder> RunFolder::create(const std::string &root, const std::string &plan_name,
                                             std::string_view plan_bytes, std::int64_t unix_ms, std::string &why) {
  std::error_code ec;
  fs::create_directories(root, ec);
  if (ec) {
    why = root + ": " + ec.message();
    return nullptr;
  }
  std::time_t t = unix_ms / 1000;
  std::tm utc{};
  gmtime_r(&t, &utc);
  for (int n = 0; n < 100; ++n) {
    // The end is what other controllers do not have, behind the millisecond, so that runs sort as they began.
    std::uint32_t random = 0;
    if (::getrandom(&random, sizeof random, 0) != sizeof random) break;
    std::string id =
        fmt::format("{:%Y%m%d-%H%M%S}-{}-{:03x}{:05x}", utc, safe_name(plan_name), unix_ms % 1000, random & 0xfffff);
    std::string path = root + "/" + id;
    if (::mkdir(path.c_str(), 0700) != 0) {
      if (errno == EEXIST) continue;
      why = path + ": " + std::strerror(errno);
      return nullptr;
    }
    std::unique_ptr<RunFolder> folder(new RunFolder(path, id));
    fs::create_directory(path + "/output", ec);
    int fd = ::open(folder->file("plan.upgb").c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool ok = fd >= 0 && write_all(fd, plan_bytes) && ::fsync(fd) == 0;
    if (!ok) why = folder->file("plan.upgb") + ": " + std::strerror(errno);
    if (fd >= 0) ::close(fd);
    int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory >= 0) {
      ::fsync(directory);
      ::close(directory);
    }
    return ok ? std::move(folder) : nullptr;
  }
  why = root + ": no free name for the run";
  return nullptr;
}

std::vector<std::string> RunFolder::list(const std::string &root) {
  std::vector<std::string> ids;
  std::error_code ec;
  for (const auto &entry : fs::directory_iterator(root, ec))
    if (fs::exists(entry.path() / "plan.upgb", ec)) ids.push_back(entry.path().filename().string());
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::unique_ptr<RunFolder> RunFolder::open(const std::string &root, const std::string &id, std::string &why) {
  std::error_code ec;
  if (id.find('/') != std::string::npos) {
    std::string path = id;  // as a shell completes it, with a slash at the end
    while (path.size() > 1 && path.back() == '/') path.pop_back();
    if (fs::exists(path + "/plan.upgb", ec))
      return std::unique_ptr<RunFolder>(new RunFolder(path, fs::path(path).filename().string()));
    why = id + ": no run's folder";
    return nullptr;
  }
  std::vector<std::string> found;
  for (const std::string &known : list(root)) {
    if (known == id) found = {known};
    if (known == id) break;
    if (known.starts_with(id)) found.push_back(known);
  }
  if (id.empty() && !found.empty()) found = {found.back()};
  if (found.size() == 1) return std::unique_ptr<RunFolder>(new RunFolder(root + "/" + found[0], found[0]));
  why = found.empty() ? (id.empty() ? "there is no run under " + root : "there is no run `" + id + "` under " + root)
                      : fmt::format("`{}` names {} runs, {} the newest", id, found.size(), found.back());
  return nullptr;
}

RunFolder::~RunFolder() {
  for (auto &[name, s] : streams_)
    if (s.fd >= 0) ::close(s.fd);
  if (lock_ >= 0) ::close(lock_);
}

std::optional<std::string> RunFolder::lock() {
  lock_ = ::open(file("lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (lock_ < 0) return file("lock") + ": " + std::strerror(errno);
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? "another upgrun drives run " + id_ + " right now"
                                : file("lock") + ": " + std::strerror(errno);
  return std::nullopt;
}

bool RunFolder::has_run() const {
  std::error_code ec;
  if (fs::file_size(file("upgrun.log"), ec) > 0 && !ec) return true;
  return fs::directory_iterator(file("output"), ec) != fs::directory_iterator();
}

/// So that logs of many hosts do not use up the descriptors; a closed one is opened again when its host speaks.
void RunFolder::close_oldest() {
  constexpr std::size_t kOpen = 32;
  Stream *oldest = nullptr;
  std::size_t open = 0;
  for (auto &[name, s] : streams_) {
    if (s.fd < 0) continue;
    ++open;
    if (oldest == nullptr || s.used < oldest->used) oldest = &s;
  }
  if (open < kOpen) return;
  ::close(oldest->fd);
  oldest->fd = -1;
}

void RunFolder::output(const std::string &host, bool step, const std::string &key, bool error, std::string_view bytes) {
  std::string name = safe_name(host) + (step ? ".log" : ".questions.log");
  Stream &s = streams_[name];
  if (s.full) return;
  s.used = ++uses_;
  if (s.fd < 0) {
    close_oldest();
    s.fd = open_to_append(path_ + "/output/" + name);
    if (s.fd < 0) {
      s.full = true;
      problem_ = fmt::format("output of {} is not kept: {}: {}", host, name, std::strerror(errno));
      return;
    }
    struct stat st {};
    if (::fstat(s.fd, &st) == 0) s.size = static_cast<std::uint64_t>(st.st_size);
  }
  std::string head;
  std::string mark = key + (error ? " stderr" : " stdout");
  if (mark != s.last) {
    head = fmt::format("\n==> {}\n", mark);
    // where a piece begins cannot be told from the file: what a command prints may look like a head
    const std::string at = fmt::format("{} {} {} {}\n", s.size, s.size + head.size(), error ? "stderr" : "stdout", key);
    if (int index = step ? open_to_append(path_ + "/output/" + name + ".index") : -1; index >= 0) {
      static_cast<void>(write_all(index, at));
      ::close(index);
    }
  }
  s.last = mark;
  s.size += head.size() + bytes.size();
  bool over = s.size > (step ? kStepBytes : kQuestionBytes);
  bool ok = over ? write_all(s.fd, "\n==> this file is full; further output is not kept\n")
                 : write_all(s.fd, head) && write_all(s.fd, bytes);
  if (!ok && !over) problem_ = fmt::format("output of {} is kept no more: {}: {}", host, name, std::strerror(errno));
  s.full = over || !ok;
}

}  // namespace upg::report
