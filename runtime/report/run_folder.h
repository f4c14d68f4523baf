#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace upg::report {

/// The folder of one run: plan.upgb, journal.sqlite, journal.head, output/HOST.log, report.txt, report.json,
/// report.html, upgrun.log, lock. Mode 0700.
class RunFolder {
 public:
  /// The folder that holds all runs: `wish`, else $XDG_STATE_HOME/upg/runs, else ~/.local/state/upg/runs.
  static std::string root(const std::string &wish);
  /// Makes a new folder for the plan; nothing, with `why`, if it cannot be made. The id is no other run's on any
  /// controller: the second, the plan, the millisecond and 20 random bits.
  static std::unique_ptr<RunFolder> create(const std::string &root, const std::string &plan_name,
                                           std::string_view plan_bytes, std::int64_t unix_ms, std::string &why);
  /// Opens a run by id, by a beginning of it that names one only, or by path; empty id: the newest that has not ended
  /// well.
  static std::unique_ptr<RunFolder> open(const std::string &root, const std::string &id, std::string &why);
  static std::vector<std::string> list(const std::string &root);

  ~RunFolder();
  RunFolder(const RunFolder &) = delete;
  RunFolder &operator=(const RunFolder &) = delete;

  /// One process drives a run at a time; why not, if another does.
  std::optional<std::string> lock();
  const std::string &id() const { return id_; }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string &path() const { return path_; }
  /// A controller has worked here, whatever the journal says: it has logged something, or kept output.
  bool has_run() const;
  /// Appends output of a command on the host; where each piece of a step begins stands in an index beside the file. A
  /// file that grows over its bound says so once and takes no more.
  void output(const std::string &host, bool step, const std::string &key, bool error, std::string_view bytes);
  /// Why output is not kept any more, once for each file; else empty.
  std::string take_problem() { return std::exchange(problem_, {}); }

 private:
  RunFolder(std::string path, std::string id) : path_(std::move(path)), id_(std::move(id)) {}
  struct Stream {
    int fd = -1;
    std::uint64_t used = 0;  // of all uses, the last
    std::uint64_t size = 0;
    std::string last;
    bool full = false;
  };
  std::string path_;
  std::string id_;
  int lock_ = -1;
  void close_oldest();
  std::map<std::string, Stream> streams_;
  std::uint64_t uses_ = 0;
  std::string problem_;
};

}  // namespace upg::report
