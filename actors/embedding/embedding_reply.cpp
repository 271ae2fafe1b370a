#include "actors/embedding/embedding_reply.hpp"

#include <cmath>
#include <string>

#include <simdjson.h>

#include "schema/errc.hpp"

namespace tandem {
namespace {

caf::error refuse(const std::string& why) {
  return make_error(errc::engine_failed, "the answer holds no embedding: " + why);
}

}  // namespace

caf::expected<std::vector<float>> read_embedding(std::string_view body, std::size_t dimensions) {
  if (body.size() > embedding_reply_bytes_max)
    return refuse("it is longer than " + std::to_string(embedding_reply_bytes_max) + " bytes");
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  if (parser.parse(body.data(), body.size()).get(root) != simdjson::SUCCESS)
    return refuse("it is no JSON");
  simdjson::dom::array data;
  if (root["data"].get(data) != simdjson::SUCCESS) return refuse("there is no list 'data'");
  // One text was sent.
  if (data.size() != 1)
    return refuse("data has " + std::to_string(data.size()) + " entries, not 1");
  simdjson::dom::array numbers;
  if (data.at(0)["embedding"].get(numbers) != simdjson::SUCCESS)
    return refuse("data[0].embedding is no list of numbers");
  std::vector<float> out;
  for (auto element : numbers) {
    double value = 0;
    if (out.size() == embedding_dimensions_max)
      return refuse("it has more than " + std::to_string(embedding_dimensions_max) + " dimensions");
    if (element.get(value) != simdjson::SUCCESS) return refuse("an entry is no number");
    auto number = static_cast<float>(value);
    if (!std::isfinite(number)) return refuse("a number is too large");
    out.push_back(number);
  }
  if (out.empty()) return refuse("it has no dimensions");
  if (dimensions != 0 && out.size() != dimensions)
    return refuse("it has " + std::to_string(out.size()) + " dimensions, and " +
                  std::to_string(dimensions) + " before");
  return out;
}

}  // namespace tandem
