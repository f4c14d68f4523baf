#include "runtime/diagnostics/sources.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/diagnostics/utf8.h"

namespace upg::diagnostics {
namespace {

constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
constexpr std::size_t kLargestText = 0xfffffffeu;  // ranges are 32 bits wide

struct Descriptor {
  int value;
  explicit Descriptor(int fd) : value(fd) {}
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

std::string size_text(std::uint64_t bytes) {
  if (bytes % (1u << 20) == 0) return fmt::format("{} MiB", bytes >> 20);
  if (bytes % (1u << 10) == 0) return fmt::format("{} KiB", bytes >> 10);
  return fmt::format("{} bytes", bytes);
}

std::string error_text(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return "no such file";
    case EACCES:
      return "permission denied";
    default:
      return std::strerror(error);
  }
}

}  // namespace

FileId Sources::add(std::string path, std::string text) {
  if (text.size() > kLargestText) text.resize(kLargestText);
  std::vector<std::uint32_t> starts{0};
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    const auto *feed = static_cast<const char *>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
    if (feed == nullptr) break;
    at = feed + 1;
    starts.push_back(static_cast<std::uint32_t>(at - text.data()));
  }
  files_.push_back({std::move(path), std::move(text), std::move(starts)});
  return FileId{static_cast<std::uint32_t>(files_.size() - 1)};
}

std::optional<FileId> Sources::load(const std::string &path, std::uint64_t limit, std::string &why) {
  limit = std::min<std::uint64_t>(limit, kLargestText);
  // Without O_NONBLOCK a FIFO would wait for its writer for ever.
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  struct stat status {};
  if (file.value < 0 || ::fstat(file.value, &status) != 0) {
    why = error_text(errno);
    return std::nullopt;
  }
  if (S_ISDIR(status.st_mode))
    why = "it is a directory";
  else if (!S_ISREG(status.st_mode))
    why = "it is not a regular file";
  else if (static_cast<std::uint64_t>(status.st_size) > limit)
    why = "it is larger than " + size_text(limit);
  else
    why.clear();
  if (!why.empty()) return std::nullopt;

  // The file may change while it is read: trust what read() returns, not the size.
  std::string text;
  text.resize(static_cast<std::size_t>(status.st_size));
  std::size_t have = 0;
  for (;;) {
    if (have == text.size()) {
      if (text.size() > limit) {
        why = "it is larger than " + size_text(limit);
        return std::nullopt;
      }
      text.resize(text.size() + (text.empty() ? 4096 : 1));
    }
    const ssize_t got = ::read(file.value, text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) {
      why = error_text(errno);
      return std::nullopt;
    }
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  if (have > limit) {
    why = "it is larger than " + size_text(limit);
    return std::nullopt;
  }
  text.resize(have);
  return add(path, std::move(text));
}

std::string_view Sources::text(Range range) const {
  if (range.file.index >= files_.size()) return {};
  const std::string_view all = files_[range.file.index].text;
  const std::size_t begin = std::min<std::size_t>(range.begin, all.size());
  const std::size_t end = std::clamp<std::size_t>(range.end, begin, all.size());
  return all.substr(begin, end - begin);
}

Position Sources::position(FileId file, std::uint32_t byte) const {
  if (file.index >= files_.size()) return {};
  const File &entry = files_[file.index];
  const std::size_t limit = std::min<std::size_t>(byte, entry.text.size());
  const auto after = std::upper_bound(entry.line_starts.begin(), entry.line_starts.end(), limit);
  std::size_t start = *std::prev(after);
  if (start == 0 && entry.text.starts_with(kByteOrderMark)) start = std::min(limit, kByteOrderMark.size());
  const std::string_view line = std::string_view(entry.text).substr(start);
  std::uint32_t column = 1;
  for (std::size_t at = 0; start + at < limit;) {
    const std::size_t length = utf8_step(line, at).length;
    if (start + at + length > limit) break;  // inside a character: its own column
    at += length;
    ++column;
  }
  return {static_cast<std::uint32_t>(after - entry.line_starts.begin()), column};
}

std::uint32_t Sources::line_of(FileId file, std::uint32_t byte) const {
  if (file.index >= files_.size()) return 0;
  const std::vector<std::uint32_t> &starts = files_[file.index].line_starts;
  return static_cast<std::uint32_t>(std::upper_bound(starts.begin(), starts.end(), byte) - starts.begin());
}

Range Sources::line(FileId file, std::uint32_t line) const {
  if (file.index >= files_.size()) return {};
  const File &entry = files_[file.index];
  if (line == 0 || line > entry.line_starts.size()) return {file, 0, 0};
  std::uint32_t begin = entry.line_starts[line - 1];
  if (begin == 0 && entry.text.starts_with(kByteOrderMark)) begin = static_cast<std::uint32_t>(kByteOrderMark.size());
  const bool last = line == entry.line_starts.size();
  std::uint32_t end = last ? static_cast<std::uint32_t>(entry.text.size()) : entry.line_starts[line] - 1;
  if (end > begin && entry.text[end - 1] == '\r') --end;
  return {file, begin, end};
}

}  // namespace upg::diagnostics
