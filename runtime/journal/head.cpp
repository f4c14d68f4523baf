#include "runtime/journal/head.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>

#include "runtime/plan/bytecode.h"

namespace upg::journal {
namespace {

constexpr std::size_t kSlot = 256;  // bytes
constexpr off_t kApart = 4096;      // from one slot to the next
constexpr std::size_t kHash = 64;   // hex digits
constexpr std::string_view kWord = "upg journal head 1 ";

std::string text_of(const Mark &mark) {
  std::string text = fmt::format("{}{:020} {}", kWord, mark.number, mark.chain);
  text += " " + plan::sha256_hex(text) + "\n";
  text.resize(kSlot, '\n');
  return text;
}

std::optional<Mark> parse(std::string_view slot) {
  if (slot.size() != kSlot || !slot.starts_with(kWord)) return std::nullopt;
  Mark mark;
  const char *digits = slot.data() + kWord.size();
  auto [end, error] = std::from_chars(digits, digits + 20, mark.number);
  if (error != std::errc() || end != digits + 20) return std::nullopt;
  mark.chain = slot.substr(kWord.size() + 21, kHash);
  return text_of(mark) == slot ? std::optional(mark) : std::nullopt;
}

std::string error_text(const std::string &path) { return path + ": " + std::strerror(errno); }

}  // namespace

HeadFile::~HeadFile() {
  if (fd_ < 0) return;
  ::fdatasync(fd_);
  ::close(fd_);
}

HeadFile::State HeadFile::read(const std::string &path, Mark &mark) {
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT ? State::absent : State::unreadable;
  std::optional<Mark> newest;
  for (int slot : {0, 1}) {
    std::array<char, kSlot> bytes{};
    ssize_t n = ::pread(fd, bytes.data(), bytes.size(), slot * kApart);
    auto found = parse({bytes.data(), n > 0 ? static_cast<std::size_t>(n) : 0});
    if (found && (!newest || found->number > newest->number)) newest = found;
  }
  ::close(fd);
  if (!newest) return State::unreadable;
  mark = *newest;
  return State::whole;
}

std::optional<std::string> HeadFile::begin(const std::string &path, const Mark &mark) {
  path_ = path;
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd_ < 0) return error_text(path_);
  // one slot after the other: at every moment one of them is whole
  for (int slot : {0, 1}) {
    if (auto why = put(slot, mark)) return why;
    if (::fdatasync(fd_) != 0) return error_text(path_);
  }
  return sync_folder(path);
}

std::optional<std::string> HeadFile::sync_folder(const std::string &path) {
  std::string folder = std::filesystem::path(path).parent_path().string();
  int directory = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  bool ok = directory >= 0 && ::fsync(directory) == 0;
  std::optional<std::string> why;
  if (!ok) why = error_text(folder);
  if (directory >= 0) ::close(directory);
  return why;
}

std::optional<std::string> HeadFile::write(const Mark &mark) {
  if (auto why = put(next_, mark)) return why;
  next_ = 1 - next_;
  return std::nullopt;
}

std::optional<std::string> HeadFile::put(int slot, const Mark &mark) {
  const std::string text = text_of(mark);
  for (std::size_t done = 0; done < text.size();) {
    ssize_t n = ::pwrite(fd_, text.data() + done, text.size() - done, slot * kApart + static_cast<off_t>(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return error_text(path_);
    done += static_cast<std::size_t>(n);
  }
  return std::nullopt;
}

}  // namespace upg::journal
