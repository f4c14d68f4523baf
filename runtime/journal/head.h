#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace upg::journal {

/// How far a journal had come, kept beside it in a file of its own: the journal's file alone cannot tell that records
/// at its end are gone. Two slots in two sectors are written in turn, so that a torn write leaves the one before.
struct Mark {
  std::uint64_t number = 0;  // of the last durable record; 0: none yet
  std::string chain;         // its hash
};

class HeadFile {
 public:
  HeadFile() = default;
  ~HeadFile();
  HeadFile(const HeadFile &) = delete;
  HeadFile &operator=(const HeadFile &) = delete;

  enum class State : std::uint8_t { absent, whole, unreadable };
  /// Reads the newest slot that is whole.
  static State read(const std::string &path, Mark &mark);

  /// Opens or makes the file and writes the mark into both slots, on disk with its folder when this returns.
  std::optional<std::string> begin(const std::string &path, const Mark &mark);
  /// Writes the mark over the older slot. The kernel has it when this returns: a killed process loses nothing. It is
  /// not flushed each time; a mark that is older than the journal after a power failure is no fault.
  std::optional<std::string> write(const Mark &mark);
  /// The names in the folder of this file are on disk when this returns; else why not.
  static std::optional<std::string> sync_folder(const std::string &path);

 private:
  std::optional<std::string> put(int slot, const Mark &mark);
  int fd_ = -1;
  int next_ = 0;
  std::string path_;
};

}  // namespace upg::journal
