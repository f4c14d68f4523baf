#include "compiler/tools/crash.h"

#include <fmt/format.h>
#include <llvm/Support/ErrorHandling.h>
#include <signal.h>
#include <unistd.h>

#include <cstring>
#include <vector>

#include "compiler/tools/command.h"
#include "compiler/tools/version.h"
#include "runtime/diagnostics/utf8.h"

namespace upg::tools {
namespace {

// What a signal handler may look at: set once, before the handlers are.
const char *crash_request = nullptr;
constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};

void put(const char *text) {
  const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
  static_cast<void>(written);
}

[[noreturn]] void end_with(const char *what) {
  put("error[E0003]: upgc failed: ");
  put(what);
  if (crash_request != nullptr) put(crash_request);
  ::_exit(static_cast<int>(Exit::internal));
}

void on_signal(int signal) {
  switch (signal) {
    case SIGSEGV:
    case SIGBUS:
      end_with("a wrong memory access or too little stack");
    case SIGABRT:
      end_with("an assumption of the program did not hold");
    default:
      end_with("an illegal instruction or arithmetic error");
  }
}

void on_llvm_error(void *, const char *reason, bool) { end_with(reason); }

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kOwnHandlers = false;  // the sanitizer's report says more
#else
constexpr bool kOwnHandlers = true;
#endif

}  // namespace

CrashReporter::CrashReporter(std::span<const char *const> arguments) {
  constexpr std::size_t kLongestArgument = 300;
  request_ = "\n  = note: it was called as:";
  for (const char *argument : arguments) {
    request_ += " " + diagnostics::printable(std::string_view(argument).substr(0, kLongestArgument));
  }
  request_ +=
      fmt::format("\n  = help: this is a mistake in {}, not in the input; please report it with the input file\n",
                  compiler_version());
  crash_request = request_.c_str();
  llvm::install_fatal_error_handler(on_llvm_error);
  if (!kOwnHandlers) return;
  static std::array<char, 64 * 1024> stack;  // the usual one may be what ran out
  stack_t other{};
  other.ss_sp = stack.data();
  other.ss_size = stack.size();
  ::sigaltstack(&other, nullptr);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = static_cast<int>(SA_ONSTACK | SA_RESETHAND);
  for (const int signal : kSignals) ::sigaction(signal, &action, nullptr);
}

CrashReporter::~CrashReporter() {
  crash_request = nullptr;
  llvm::remove_fatal_error_handler();
  if (!kOwnHandlers) return;
  for (const int signal : kSignals) ::signal(signal, SIG_DFL);
}

void CrashReporter::report(const char *what) const {
  put("error[E0003]: upgc failed: ");
  put(diagnostics::printable(what).c_str());
  put(request_.c_str());
}

}  // namespace upg::tools
