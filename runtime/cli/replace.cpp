#include "runtime/cli/replace.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "runtime/diagnostics/sources.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::cli {
namespace {

std::string write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return std::strerror(errno);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

/// A new file with these bytes, on the disk when this returns.
std::string write_new(const std::string &path, std::string_view bytes, mode_t mode) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (descriptor < 0) return std::strerror(errno);
  std::string why = write_all(descriptor, bytes);
  if (why.empty() && ::fsync(descriptor) != 0) why = std::strerror(errno);
  if (::close(descriptor) != 0 && why.empty()) why = std::strerror(errno);
  if (!why.empty()) ::unlink(path.c_str());
  return why;
}

std::string beside(const std::string &path) { return fmt::format("{}.{}.tmp", path, ::getpid()); }

struct Draft {
  std::string target, path;
};

/// Writes the new text beside its file, with the file's mode.
std::string draft(const Replacement &file, Draft &out) {
  // A link stays a link: the file that it leads to is the one that is replaced.
  char *real = ::realpath(file.path.c_str(), nullptr);
  if (real == nullptr) return std::strerror(errno);
  out.target = real;
  std::free(real);
  struct stat status {};
  if (::stat(out.target.c_str(), &status) != 0) return std::strerror(errno);
  const std::string fresh = beside(out.target);
  std::string why = write_new(fresh, file.after, 0600);
  if (!why.empty()) return why;
  out.path = fresh;
  if (::chmod(fresh.c_str(), status.st_mode & 07777) != 0) why = std::strerror(errno);
  return why;
}

}  // namespace

std::string replace_file(const std::string &path, std::string_view bytes) {
  const std::string fresh = beside(path);
  std::string why = write_new(fresh, bytes, 0644);
  if (!why.empty()) return why;
  if (std::rename(fresh.c_str(), path.c_str()) == 0) return {};
  why = std::strerror(errno);
  ::unlink(fresh.c_str());
  return why;
}

std::string replace_files(const std::vector<Replacement> &files) {
  std::vector<Draft> drafts;
  std::string why;
  for (const Replacement &file : files) {
    why = draft(file, drafts.emplace_back());
    if (!why.empty()) why = fmt::format("cannot write `{}`: {}", diagnostics::printable(file.path), why);
    if (!why.empty()) break;
  }
  // Looked at as late as can be: the renames follow at once.
  for (std::size_t i = 0; why.empty() && i < files.size(); ++i) {
    diagnostics::Sources now;
    std::string problem;
    const auto read = now.load(files[i].path, files[i].before.size() + 1, problem);
    if (!read || now.text(*read) != files[i].before)
      why = fmt::format("`{}` has changed since it was read", diagnostics::printable(files[i].path));
  }
  std::size_t done = 0;
  while (why.empty() && done < drafts.size()) {
    if (std::rename(drafts[done].path.c_str(), drafts[done].target.c_str()) != 0)
      why = fmt::format("cannot replace `{}`: {}", diagnostics::printable(files[done].path), std::strerror(errno));
    else
      ++done;
  }
  if (why.empty()) return {};
  for (std::size_t i = done; i < drafts.size(); ++i) {
    if (!drafts[i].path.empty()) ::unlink(drafts[i].path.c_str());
  }
  // A rename that fails after others did not: those are taken back from what was read.
  for (std::size_t i = 0; i < done; ++i) {
    Draft back;
    if (const std::string problem = draft({files[i].path, {}, files[i].before}, back);
        !problem.empty() || std::rename(back.path.c_str(), back.target.c_str()) != 0)
      why += fmt::format("; `{}` is changed and could not be taken back", diagnostics::printable(files[i].path));
  }
  return why;
}

}  // namespace upg::cli
