#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace upg::diagnostics {

/// Index of a file in a `Sources`. `none` stands for "no file" (built-ins, usage errors).
struct FileId {
  static constexpr std::uint32_t none = 0xffffffffu;
  std::uint32_t index = none;
  bool operator==(const FileId &) const = default;
  bool valid() const { return index != none; }
};

/// Half-open byte range [begin, end) in one file.
struct Range {
  FileId file;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool operator==(const Range &) const = default;
  bool valid() const { return file.valid(); }
};

/// 1-based line; 1-based column counted in Unicode code points, as editors show it.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Position &) const = default;
};

/// The texts that ranges point into. Files are only added; a FileId stays valid for the life of the value.
/// Text need not be valid UTF-8 (invalid bytes count as one column each).
class Sources {
 public:
  /// Adds a text under the path that messages print. The same path may be added twice (two versions).
  FileId add(std::string path, std::string text);
  /// Reads and adds a regular file of at most `limit` bytes; nothing, with `why` set ("no such file", "it is a
  /// directory", "it is larger than 64 MiB", ...), if it cannot be read.
  std::optional<FileId> load(const std::string &path, std::uint64_t limit, std::string &why);

  std::size_t size() const { return files_.size(); }
  const std::string &path(FileId file) const { return files_[file.index].path; }
  std::string_view text(FileId file) const { return files_[file.index].text; }
  std::string_view text(Range range) const;
  Position position(FileId file, std::uint32_t byte) const;
  /// 1-based line of a byte; unlike position() its cost does not grow with the length of the line.
  std::uint32_t line_of(FileId file, std::uint32_t byte) const;
  /// Bytes of the 1-based line without its line end; the first one also without a byte order mark, which has no column.
  Range line(FileId file, std::uint32_t line) const;

 private:
  struct File {
    std::string path;
    std::string text;
    std::vector<std::uint32_t> line_starts;
  };
  std::vector<File> files_;
};

}  // namespace upg::diagnostics
