#include "actors/engine/client_body.hpp"

#include <algorithm>
#include <limits>

#include <simdjson.h>

namespace tandem {

std::uint32_t completions_of(std::string_view client_body) {
  simdjson::dom::parser parser;
  simdjson::dom::object members;
  if (parser.parse(client_body.data(), client_body.size()).get(members) != simdjson::SUCCESS)
    return 1;
  std::uint64_t most = 1;
  // All of them: servers differ in which of two members of one name counts.
  for (auto [name, value] : members) {
    std::uint64_t number = 0;
    if ((name == "n" || name == "best_of") && value.get(number) == simdjson::SUCCESS)
      most = std::max(most, number);
  }
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(most, std::numeric_limits<std::uint32_t>::max()));
}

std::uint32_t completions_of(schema::Attempt::Reader attempt) {
  if (!attempt.hasClient() || attempt.getClient().getPath() != schema::ClientPath::CHAT) return 1;
  auto body = attempt.getClient().getBody();
  if (body.size() == 0) return 1;
  return completions_of(std::string_view{reinterpret_cast<const char*>(body.begin()), body.size()});
}

}  // namespace tandem
