#include "runtime/tools/options.h"

#include <fmt/format.h>
#include <llvm/Support/raw_ostream.h>

#include <array>

namespace upg::run {

CommandLine::CommandLine() {
  // The first parse registers LLVM's own options; they are not ours.
  const std::array<const char *, 1> nothing{"upgrun"};
  llvm::cl::ParseCommandLineOptions(1, nothing.data());
  std::vector<llvm::cl::Option *> foreign;
  for (auto &entry : llvm::cl::getRegisteredOptions()) {
    if (entry.first() == "help")
      entry.second->setDescription("show this");
    else
      foreign.push_back(entry.second);
  }
  for (llvm::cl::Option *option : foreign) option->removeArgument();
}

std::optional<Exit> CommandLine::parse(std::span<const char *const> arguments, const char *overview) {
  for (const char *word : arguments.subspan(1)) {
    if (std::string_view(word) != "--help" && std::string_view(word) != "-h") continue;
    llvm::outs() << arguments[0] << ": " << overview << "\n\n";
    for (auto &entry : llvm::cl::getRegisteredOptions()) {
      if (entry.first() == "help") continue;
      std::string left = "--" + entry.first().str();
      if (!entry.second->ValueStr.empty()) left += "=<" + entry.second->ValueStr.str() + ">";
      llvm::outs() << fmt::format("  {:<28} {}\n", left, entry.second->HelpStr.str());
    }
    llvm::outs().flush();
    return Exit::done;
  }
  std::string said;
  llvm::raw_string_ostream stream(said);
  if (!llvm::cl::ParseCommandLineOptions(static_cast<int>(arguments.size()), arguments.data(), overview, &stream)) {
    fmt::print(stderr, "{}", stream.str());
    return Exit::usage;
  }
  return std::nullopt;
}

}  // namespace upg::run
