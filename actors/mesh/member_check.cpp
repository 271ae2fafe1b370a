#include "actors/mesh/member_check.hpp"

#include <algorithm>
#include <charconv>

#include "schema/errc.hpp"
#include "schema/text.hpp"

namespace tandem {
namespace {

constexpr std::size_t name_bytes_max = 64;
constexpr std::size_t address_bytes_max = 300;
constexpr unsigned roles_max = 32;
constexpr unsigned journals_max = 256;
/// All of it, with whatever a later release may add.
constexpr std::uint64_t member_words_max = 2048;
/// Sessions are counted with room to go on.
constexpr std::uint32_t losses_max = 1u << 31;

bool is_word_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

bool is_word(std::string_view text) {
  return !text.empty() && text.size() <= name_bytes_max &&
         std::all_of(text.begin(), text.end(), is_word_char);
}

bool is_printable(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

caf::expected<mesh_address> parse_mesh_address(std::string_view text) {
  auto wrong = [] {
    return make_error(errc::invalid_argument,
                      "no address; write host:port, such as 10.0.0.1:7420 or [fd00::1]:7420");
  };
  auto colon = text.rfind(':');
  if (colon == std::string_view::npos || text.size() > address_bytes_max) return wrong();
  auto host = text.substr(0, colon);
  auto digits = text.substr(colon + 1);
  auto in_brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
  if (in_brackets) host = host.substr(1, host.size() - 2);
  mesh_address result;
  auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), result.port);
  auto is_host_char = [in_brackets](char c) {
    return is_word_char(c) || (in_brackets && (c == ':' || c == '%'));
  };
  if (failure != std::errc{} || end != digits.data() + digits.size() || result.port == 0 ||
      host.empty() || !std::all_of(host.begin(), host.end(), is_host_char))
    return wrong();
  result.host = host;
  return result;
}

std::string member_problem(schema::Member::Reader member) {
  if (!is_word(view(member.getName())))
    return "its name is empty, longer than 64 bytes, or has other characters than letters, digits, "
           "'.', '_' and '-'";
  if (member.getIncarnation() == 0) return "its incarnation is 0";
  if (!parse_mesh_address(view(member.getAddress()))) return "its address is not host:port";
  auto version = view(member.getVersion());
  if (version.size() > name_bytes_max || !is_printable(version)) return "its version is no word";
  if (member.getRoles().size() > roles_max) return "it has more than 32 roles";
  for (auto role : member.getRoles())
    if (!is_word(view(role))) return "one of its roles is no word";
  if (member.getJournals().size() > journals_max) return "it has more than 256 journals";
  if (member.getJournalBirthsMs().size() > member.getJournals().size())
    return "it has more births than journals";
  if (member.totalSize().wordCount > member_words_max) return "it has more than 16 KiB";
  if (member.getLosses() > losses_max) return "it counts more than two billion losses";
  return {};
}

}  // namespace tandem
