#include "runtime/transport/local.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "runtime/transport/spawn.h"
#include "runtime/transport/system_clock.h"

namespace upg::transport {
namespace {

constexpr machine::Millis settle_time =
    1000;  // output may come this long after the process, if a child of it holds the pipes
constexpr machine::Millis kill_after = 2000;
constexpr int rounds_per_turn = 16;
constexpr std::size_t most_at_once = 24;  // four descriptors each

}  // namespace

struct LocalProcesses::Process {
  std::unique_ptr<Job> job;
  pid_t pid = -1;
  Fd pidfd, in, out, err;
  std::optional<int> code;
  int signal = 0;
  bool ended = false;
  machine::Millis ended_at = 0;
};

bool reap(pid_t pid) { return waitpid(pid, nullptr, WNOHANG) != 0; }

LocalProcesses::LocalProcesses() = default;

LocalProcesses::~LocalProcesses() {
  for (const auto &process : processes_) {
    if (!process->ended) {
      kill(-process->pid, SIGKILL);
      waitpid(process->pid, nullptr, 0);
    }
  }
  for (const Dying &dying : dying_) {
    kill(-dying.pid, SIGKILL);
    waitpid(dying.pid, nullptr, 0);
  }
}

void LocalProcesses::start(std::unique_ptr<Job> job, std::vector<machine::Answer> &answers,
                           std::vector<machine::Output> &outputs) {
  if (job->defect()) {
    answers.push_back(job->give_up(machine::Outcome::refused, *job->defect(), outputs));
    return;
  }
  waiting_.push_back(std::move(job));
  start_waiting(answers, outputs);
}

void LocalProcesses::start_waiting(std::vector<machine::Answer> &answers, std::vector<machine::Output> &outputs) {
  while (!waiting_.empty() && processes_.size() < most_at_once) {
    std::unique_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    spawn(std::move(job), answers, outputs);
  }
}

void LocalProcesses::spawn(std::unique_ptr<Job> job, std::vector<machine::Answer> &answers,
                           std::vector<machine::Output> &outputs) {
  auto process = std::make_unique<Process>();
  Spawned spawned = spawn_shell(job->text());
  if (spawned.pid < 0) {
    answers.push_back(
        job->give_up(machine::Outcome::unreachable, fmt::format("cannot start /bin/sh: {}", spawned.error), outputs));
    return;
  }
  process->job = std::move(job);
  process->pid = spawned.pid;
  process->pidfd = std::move(spawned.pidfd);
  process->in = std::move(spawned.in);
  process->out = std::move(spawned.out);
  process->err = std::move(spawned.err);
  processes_.push_back(std::move(process));
}

void LocalProcesses::stop(Process &process, machine::Millis now) {
  if (process.ended) return;
  kill(-process.pid, SIGTERM);
  dying_.push_back({process.pid, now + kill_after});
}

bool LocalProcesses::cancel(machine::RequestId request, std::vector<machine::Answer> &answers,
                            std::vector<machine::Output> &outputs) {
  for (auto it = waiting_.begin(); it != waiting_.end(); ++it) {
    if ((*it)->request() != request) continue;
    answers.push_back((*it)->give_up(machine::Outcome::cancelled, {}, outputs));
    waiting_.erase(it);
    return true;
  }
  for (auto it = processes_.begin(); it != processes_.end(); ++it) {
    if ((*it)->job->request() != request) continue;
    stop(**it, monotonic_now());
    answers.push_back((*it)->job->give_up(machine::Outcome::cancelled, {}, outputs));
    processes_.erase(it);
    return true;
  }
  return false;
}

void LocalProcesses::add_polls(std::vector<pollfd> &polls) const {
  for (const auto &process : processes_) {
    if (process->out.valid()) polls.push_back({process->out.get(), POLLIN, 0});
    if (process->err.valid()) polls.push_back({process->err.get(), POLLIN, 0});
    if (process->in.valid() && !process->job->pending_input().empty()) polls.push_back({process->in.get(), POLLOUT, 0});
    if (!process->ended) polls.push_back({process->pidfd.get(), POLLIN, 0});
  }
}

std::optional<machine::Millis> LocalProcesses::next_deadline() const {
  std::optional<machine::Millis> next;
  const auto consider = [&next](machine::Millis at) { next = next ? std::min(*next, at) : at; };
  for (const auto &process : processes_)
    consider(process->ended ? process->ended_at + settle_time : process->job->deadline());
  for (const Dying &dying : dying_) consider(dying.kill_at);
  for (const auto &job : waiting_) consider(job->deadline());
  return next;
}

namespace {

/// Reads what is there; closes the descriptor at its end.
template <class Take>
void drain(Fd &fd, Take take) {
  std::array<char, 16384> buffer;
  for (int round = 0; round < rounds_per_turn && fd.valid(); ++round) {
    const ssize_t count = read(fd.get(), buffer.data(), buffer.size());
    if (count > 0) {
      take(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      fd.reset();
    } else {
      return;
    }
  }
}

}  // namespace

bool LocalProcesses::advance_one(Process &process, machine::Millis now, std::vector<machine::Answer> &answers,
                                 std::vector<machine::Output> &outputs) {
  Job &job = *process.job;
  if (!process.ended) {
    int status = 0;
    if (waitpid(process.pid, &status, WNOHANG) == process.pid) {
      process.ended = true;
      process.ended_at = now;
      if (WIFEXITED(status)) process.code = WEXITSTATUS(status);
      if (WIFSIGNALED(status)) process.signal = WTERMSIG(status);
    }
  }
  drain(process.out, [&](std::string_view bytes) { job.stream().take_out(bytes, outputs); });
  drain(process.err, [&](std::string_view bytes) { job.stream().take_err(bytes, outputs); });
  if (job.password_rejected()) {
    stop(process, now);
    answers.push_back(job.give_up(machine::Outcome::refused, "sudo did not accept the password", outputs));
    return true;
  }
  while (process.in.valid()) {
    const std::string_view bytes = job.pending_input();
    if (bytes.empty()) {
      if (job.input_done()) process.in.reset();
      break;
    }
    const ssize_t count = write(process.in.get(), bytes.data(), bytes.size());
    if (count > 0) {
      job.written(static_cast<std::size_t>(count));
    } else {
      if (errno != EAGAIN && errno != EINTR) process.in.reset();  // it does not read its input: its own affair
      break;
    }
  }
  if (process.ended && ((!process.out.valid() && !process.err.valid()) || now >= process.ended_at + settle_time)) {
    answers.push_back(job.conclude(process.code, process.signal, outputs));
    return true;
  }
  if (!process.ended && now >= job.deadline()) {
    stop(process, now);
    answers.push_back(
        job.give_up(machine::Outcome::timed_out, fmt::format("no end within {} ms", job.command().timeout), outputs));
    return true;
  }
  return false;
}

void LocalProcesses::advance(machine::Millis now, std::vector<machine::Answer> &answers,
                             std::vector<machine::Output> &outputs) {
  std::erase_if(dying_, [now](const Dying &dying) {
    if (now >= dying.kill_at) kill(-dying.pid, SIGKILL);
    return reap(dying.pid);
  });
  for (Dying &dying : dying_) {
    if (now >= dying.kill_at) dying.kill_at = now + kill_after;
  }
  for (std::size_t i = 0; i < processes_.size();) {
    if (advance_one(*processes_[i], now, answers, outputs)) {
      processes_.erase(processes_.begin() + static_cast<std::ptrdiff_t>(i));
    } else {
      ++i;
    }
  }
  std::erase_if(waiting_, [&](const std::unique_ptr<Job> &job) {
    if (now < job->deadline()) return false;
    answers.push_back(job->give_up(machine::Outcome::unreachable,
                                   fmt::format("no free place on the controller within {} ms", job->command().timeout),
                                   outputs));
    return true;
  });
  start_waiting(answers, outputs);
}

}  // namespace upg::transport
