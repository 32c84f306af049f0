// SPDX-License-Identifier: BSD-3-Clause
// `...` in front of a public script prepares the kernel. What of that has a
// meaning here becomes an option; nothing is executed.
#include <string>
#include <string_view>
#include <utility>

#include "tests/script/parse_script.h"

namespace chimney::script {
namespace {

struct Setting {
  std::string_view assignment;
  // Option and value; without a name it is how things are here anyway.
  std::string_view option;
  std::string_view value;
};

constexpr Setting kSettings[] = {
    {"net.ipv4.tcp_congestion_control=reno", "congestion_control", "reno"},
    {"net.ipv4.tcp_congestion_control=cubic", "congestion_control", "cubic"},
    {"net.ipv4.tcp_recovery=0", "rack", "0"},
    {"net.ipv4.tcp_recovery=1", "rack", "1"},
    {"net.ipv4.tcp_early_retrans=0", "tail_loss_probe", "0"},
    {"net.ipv4.tcp_early_retrans=3", "tail_loss_probe", "1"},
    {"net.ipv4.tcp_frto=0", "f_rto", "0"},
    {"net.ipv4.tcp_ecn=0", "", ""},
    {"net.ipv4.tcp_fastopen=0", "", ""},
};

bool EndsWith(std::string_view text, std::string_view end) {
  return text.size() >= end.size() &&
         text.substr(text.size() - end.size()) == end;
}

// Words of a shell command that say nothing by themselves.
bool IsFiller(std::string_view word) {
  return word == "sysctl" || word == "-q" || word == "-w" || word == "&&" ||
         word == ";" || EndsWith(word, "/defaults.sh");
}

bool TakeWord(Scanner* scanner, std::string_view word, Script* script) {
  if (IsFiller(word)) return true;
  if (EndsWith(word, ";")) word.remove_suffix(1);
  for (const Setting& setting : kSettings) {
    if (setting.assignment != word) continue;
    if (setting.option.empty()) return true;
    script->options.insert_or_assign(std::string(setting.option),
                                     std::string(setting.value));
    return true;
  }
  return scanner->Fault("\"" + std::string(word) +
                        "\" of a shell command has no meaning here");
}

}  // namespace

bool ParseCommand(Scanner* scanner, Script* script) {
  const std::optional<std::string> command = scanner->Until("`");
  if (!command) return false;
  const char* const kBlank = " \t\r\n";
  size_t from = command->find_first_not_of(kBlank);
  while (from != std::string::npos) {
    const size_t end =
        std::min(command->find_first_of(kBlank, from), command->size());
    const auto word = std::string_view(*command).substr(from, end - from);
    if (!TakeWord(scanner, word, script)) return false;
    from = command->find_first_not_of(kBlank, end);
  }
  return true;
}

}  // namespace chimney::script
