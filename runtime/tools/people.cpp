#include "runtime/tools/people.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <utility>

#include "runtime/report/tell.h"
#include "runtime/tools/session.h"

namespace upg::run {
namespace {

constexpr std::size_t kMost = 4096;  // bytes of an answer

}  // namespace

void Questioner::ask(std::uint64_t id, const std::string &text, bool confirm) {
  const bool here = isatty(STDIN_FILENO) != 0;
  pending_.push_back({id, confirm, text, here ? 0 : clock_.monotonic() + patience_});
  if ((here || patience_ > 0) && tell) tell(text);
  if (!here) {
    progress_.said(fmt::format("a person is asked, {}: {}",
                               patience_ > 0 ? fmt::format("for {} s by `upgrun answer`", patience_ / 1000)
                                             : std::string("but standard input is no terminal"),
                               text));
    return;
  }
  progress_.pause();
  fmt::print(stderr, "\n>>> {}{}\n>>> ", report::printable(text), confirm ? " [yes/no]" : "");
  std::fflush(stderr);
}

void Questioner::forget(const machine::Machine &machine) {
  const std::vector<machine::Question> open = machine.questions();
  std::erase_if(pending_, [&](const Asked &a) {
    return std::none_of(open.begin(), open.end(), [&](const machine::Question &q) { return q.id == a.id; });
  });
}

bool Questioner::deliver(machine::Machine &machine, std::size_t which, std::string text, const std::string &who) {
  const Asked asked = pending_[which];
  if (asked.confirm && (text == "y" || text == "n")) text = text == "y" ? "yes" : "no";
  if (asked.confirm && text != "yes" && text != "no") return false;
  pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(which));
  machine.person_answered(asked.id, std::move(text), who);
  return true;
}

void Questioner::typed(machine::Machine &machine) {
  char buffer[512];
  const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
  if (n <= 0) {
    for (Asked &a : pending_) a.until = a.until == 0 ? clock_.monotonic() : a.until;
    return;
  }
  forget(machine);
  if (line_.size() < kMost) line_.append(buffer, static_cast<std::size_t>(n));
  for (std::size_t end; (end = line_.find('\n')) != std::string::npos;) {
    std::string answer = line_.substr(0, end);
    line_.erase(0, end + 1);
    if (pending_.empty() || deliver(machine, 0, std::move(answer), user_name())) continue;
    fmt::print(stderr, ">>> please type yes or no: ");
    std::fflush(stderr);
  }
}

/// One question by its text, several with the option that names one.
std::string Questioner::all() const {
  if (pending_.size() == 1) return pending_.front().text;
  std::string all;
  for (const Asked &a : pending_) all += fmt::format("{}--question {}: {}", all.empty() ? "" : "; ", a.id, a.text);
  return all;
}

std::optional<std::string> Questioner::elsewhere(machine::Machine &machine, const report::Control::Request &request) {
  static constexpr std::string_view kAnswer = "answer ";
  if (request.text != "question" && !request.text.starts_with(kAnswer)) return std::nullopt;
  forget(machine);
  if (pending_.empty()) return "no nobody is asked anything now\n";
  if (request.text == "question") return "ok asked is: " + all() + "\n";
  const std::size_t space = std::min(request.text.find(' ', kAnswer.size()), request.text.size());
  const std::string number = request.text.substr(kAnswer.size(), space - kAnswer.size());
  const std::string text = request.text.substr(std::min(space + 1, request.text.size()));
  std::size_t which = 0;
  if (number != "-" || pending_.size() > 1)
    while (which < pending_.size() && std::to_string(pending_[which].id) != number) ++which;
  if (which == pending_.size()) return "no say which is answered: " + all() + "\n";
  const std::string question = pending_[which].text;
  if (text.empty() || text.size() > kMost ||
      std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; }))
    return "no an answer is a line of text\n";
  if (!deliver(machine, which, text, request.who)) return "no it is a question of yes or no: " + question + "\n";
  return "ok that was the answer to: " + question + "\n";
}

void Questioner::give_up(machine::Machine &machine) {
  if (pending_.empty()) return;
  forget(machine);
  const machine::Millis now = clock_.monotonic();
  for (std::size_t i = 0; i < pending_.size();) {
    if (pending_[i].until == 0 || now < pending_[i].until) {
      ++i;
      continue;
    }
    const std::uint64_t id = pending_[i].id;
    pending_.erase(pending_.begin() + static_cast<std::ptrdiff_t>(i));
    machine.person_answered(id, "", user_name());
  }
}

}  // namespace upg::run
