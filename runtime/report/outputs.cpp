#include "runtime/report/outputs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace upg::report {
namespace fs = std::filesystem;
namespace {

constexpr std::size_t kPieces = 20'000;  // of one host
constexpr std::string_view kIndex = ".log.index";

struct Place {
  std::uint64_t head = 0, begin = 0, end = 0;
  bool error = false;
  std::string key;
};

/// "HEAD BEGIN stdout|stderr KEY" on each line; a piece ends where the head of the next one begins.
std::vector<Place> places(const fs::path &index, std::uint64_t size) {
  std::vector<Place> found;
  std::ifstream in(index, std::ios::binary);
  std::string line, stream;
  while (found.size() < kPieces && std::getline(in, line)) {
    std::istringstream words(line);
    Place p;
    if (!(words >> p.head >> p.begin >> stream) || words.get() != ' ' || !std::getline(words, p.key)) continue;
    if (p.head > p.begin || p.begin > size || (!found.empty() && p.head < found.back().begin)) continue;
    p.error = stream == "stderr";
    if (!found.empty()) found.back().end = p.head;
    found.push_back(std::move(p));
  }
  if (!found.empty()) found.back().end = size;
  return found;
}

std::string end_of(int fd, const Place &p, std::size_t most) {
  const std::uint64_t size = p.end - p.begin;
  std::string text(static_cast<std::size_t>(std::min<std::uint64_t>(size, most)), '\0');
  const ssize_t n = ::pread(fd, text.data(), text.size(), static_cast<off_t>(p.end - text.size()));
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  return text;
}

}  // namespace

Outputs read_outputs(const std::string &run_folder) {
  Outputs out;
  std::vector<fs::path> indexes;
  std::error_code ec;
  for (const auto &entry : fs::directory_iterator(run_folder + "/output", ec))
    if (entry.path().filename().string().ends_with(kIndex)) indexes.push_back(entry.path());
  std::sort(indexes.begin(), indexes.end());
  std::size_t kept = 0;
  for (const fs::path &index : indexes) {
    const std::string name = index.filename().string(), host = name.substr(0, name.size() - kIndex.size());
    const std::string log = (index.parent_path() / (host + ".log")).string();
    int fd = ::open(log.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    const off_t size = fd >= 0 ? ::lseek(fd, 0, SEEK_END) : -1;
    for (const Place &p : places(index, size > 0 ? static_cast<std::uint64_t>(size) : 0)) {
      auto &pieces = out[p.key];
      auto it = std::find_if(pieces.begin(), pieces.end(),
                             [&](const OutputPiece &o) { return o.host == host && o.error == p.error; });
      if (it == pieces.end()) it = pieces.insert(it, {host, p.error, 0, {}, false});
      it->size += p.end - p.begin;
      it->left_out = it->left_out || kept >= kOutputAll;
      if (it->left_out) continue;
      kept -= it->end.size();
      it->end += end_of(fd, p, kOutputPiece);
      if (it->end.size() > kOutputPiece) it->end.erase(0, it->end.size() - kOutputPiece);
      kept += it->end.size();
    }
    if (fd >= 0) ::close(fd);
  }
  return out;
}

}  // namespace upg::report
