// Preloaded into upgrun: right before the process ends, all of its memory is searched for what is in the files
// FIND_HIDDEN, separated by colons (each byte changed by 0x55, so that the search itself leaves no trace). FIND_RESULT
// gets a line for each: how many mebibytes were searched, and in which mappings it was found.
#include <errno.h>
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr unsigned char kMask = 0x55;
constexpr std::size_t kMost = 256, kPiece = 1 << 20;
unsigned char hidden[kMost];
unsigned char piece[kPiece + kMost];
std::size_t hidden_size;

bool in_piece(std::size_t size) {
  for (std::size_t at = 0; at + hidden_size <= size; ++at) {
    std::size_t same = 0;
    while (same < hidden_size && (piece[at + same] ^ kMask) == hidden[same]) ++same;
    if (same == hidden_size) return true;
  }
  return false;
}

/// Whether it is in this part of memory; adds what was read to `searched`.
bool search(int memory, unsigned long from, unsigned long to, unsigned long &searched) {
  const auto mine = reinterpret_cast<unsigned long>(piece);
  for (unsigned long at = from; at < to; at += kPiece) {
    std::size_t want = to - at < kPiece + hidden_size ? to - at : kPiece + hidden_size;
    if (at < mine + sizeof piece && at + want > mine) {  // not what was read just now
      if (at < mine && search(memory, at, mine, searched)) return true;
      return mine + sizeof piece < to && search(memory, mine + sizeof piece, to, searched);
    }
    const ssize_t n = pread(memory, piece, want, static_cast<off_t>(at));
    if (n <= 0) continue;
    searched += static_cast<unsigned long>(n);
    if (in_piece(static_cast<std::size_t>(n))) return true;
  }
  return false;
}

/// One line about what is in this file.
void look_for(const char *path, int memory, std::FILE *out) {
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  const ssize_t size = file < 0 ? -1 : read(file, hidden, sizeof hidden);
  std::FILE *maps = std::fopen("/proc/self/maps", "re");
  if (file >= 0) close(file);
  if (size < 8 || maps == nullptr) return;
  hidden_size = static_cast<std::size_t>(size);
  unsigned long searched = 0;
  char line[1024], found[4096] = "";
  while (std::fgets(line, sizeof line, maps) != nullptr) {
    unsigned long from = 0, to = 0;
    char mode[8] = "";
    if (std::sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 || mode[0] != 'r' || std::strstr(line, "[v") != nullptr)
      continue;
    line[std::strcspn(line, "\n")] = 0;
    if (search(memory, from, to, searched) && std::strlen(found) + std::strlen(line) + 3 < sizeof found)
      std::strcat(std::strcat(found, "; "), line);
  }
  std::fclose(maps);
  std::fprintf(out, "%s searched %lu MiB%s%s\n", path, searched >> 20, *found != 0 ? ", FOUND" : "", found);
}

__attribute__((destructor)) void look() {
  const char *wish = std::getenv("FIND_HIDDEN"), *result = std::getenv("FIND_RESULT");
  if (wish == nullptr || result == nullptr || std::strcmp(program_invocation_short_name, "upgrun") != 0) return;
  prctl(PR_SET_DUMPABLE, 1);  // else only root may look into it
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::FILE *out = std::fopen(result, "ae");
  if (memory < 0 || out == nullptr) return;
  char path[4096];
  for (const char *at = wish; *at != 0;) {
    const std::size_t length = std::strcspn(at, ":");
    if (length >= sizeof path) break;
    std::memcpy(path, at, length);
    path[length] = 0;
    look_for(path, memory, out);
    at += length + (at[length] == ':' ? 1 : 0);
  }
  std::fclose(out);
  close(memory);
}

}  // namespace
