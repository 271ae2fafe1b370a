#include "actors/job/plan/prompt_template.hpp"

#include <algorithm>
#include <unordered_set>

namespace tandem::plan {
namespace {

constexpr std::size_t id_digits_max = 7;
constexpr std::size_t name_bytes_max = 64;

struct hole {
  std::size_t begin = 0;  // of the opening braces
  std::size_t end = 0;    // behind the closing braces
  std::string_view name;
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_name_char(char c) {
  return is_letter(c) || is_digit(c) || c == '_';
}

// The next `{{name}}` of either sort from `from` on. The name is bounded, hence the scan is linear.
std::optional<hole> next_hole(std::string_view text, std::size_t from) {
  for (;;) {
    const std::size_t begin = text.find("{{", from);
    if (begin == std::string_view::npos) return std::nullopt;
    std::size_t end = begin + 2;
    const std::size_t stop = std::min(text.size(), end + name_bytes_max);
    while (end < stop && is_name_char(text[end])) ++end;
    if (end > begin + 2 && text.substr(end, 2) == "}}") {
      return hole{begin, end + 2, text.substr(begin + 2, end - begin - 2)};
    }
    from = begin + 1;
  }
}

std::uint32_t id_of(std::string_view name) {
  if (name.size() > id_digits_max || name.front() == '0') return 0;
  std::uint32_t id = 0;
  for (const char c : name) {
    if (!is_digit(c)) return 0;
    id = id * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return id <= step_id_max ? id : 0;
}

// Copies `text`, with every hole replaced for which `fill` has a value.
// `fill(hole, value&)` says: true replaced, false text; or it sets an error.
template <class Fill>
result<std::string> rewrite(std::string_view text, std::size_t bytes_max, Fill&& fill) {
  std::string out;
  std::size_t copied = 0;
  std::size_t from = 0;
  std::optional<plan_error> error;
  const auto append = [&](std::string_view part, std::size_t at) {
    if (part.size() > bytes_max - out.size()) {
      error = make_error(plan_errc::text_too_large, at, 0,
                         "the filled prompt would be longer than " + std::to_string(bytes_max) +
                             " bytes; refer to fewer or shorter results");
      return false;
    }
    out += part;
    return true;
  };
  while (const auto found = next_hole(text, from)) {
    from = found->end;
    std::string_view value;
    if (!fill(*found, value, error)) {
      if (error) return *error;
      continue;
    }
    if (!append(text.substr(copied, found->begin - copied), found->begin)) return *error;
    if (!append(value, found->begin)) return *error;
    copied = found->end;
  }
  if (!append(text.substr(copied), copied)) return *error;
  return out;
}

class id_list {
 public:
  explicit id_list(std::span<const std::uint32_t> ids) : sorted_(ids.begin(), ids.end()) {
    std::sort(sorted_.begin(), sorted_.end());
  }
  [[nodiscard]] bool has(std::uint32_t id) const {
    return std::binary_search(sorted_.begin(), sorted_.end(), id);
  }

 private:
  std::vector<std::uint32_t> sorted_;
};

}  // namespace

result<std::string> substitute(std::string_view text, std::span<const std::uint32_t> declared,
                               const result_lookup& lookup, std::size_t bytes_max) {
  const id_list ids(declared);
  return rewrite(text, bytes_max,
                 [&](const hole& at, std::string_view& value, std::optional<plan_error>& error) {
                   const std::uint32_t id = id_of(at.name);
                   if (id == 0 || !ids.has(id)) return false;
                   const auto found = lookup(id);
                   if (!found) {
                     error = make_error(plan_errc::missing_result, at.begin, 0,
                                        "the prompt needs the result of step " +
                                            std::to_string(id) + ", which has none yet");
                     return false;
                   }
                   value = *found;
                   return true;
                 });
}

std::vector<std::uint32_t> references(std::string_view text) {
  std::vector<std::uint32_t> ids;
  std::unordered_set<std::uint32_t> seen;
  std::size_t from = 0;
  while (const auto found = next_hole(text, from)) {
    from = found->end;
    const std::uint32_t id = id_of(found->name);
    if (id != 0 && seen.insert(id).second) ids.push_back(id);
  }
  return ids;
}

result<std::string> renumber(std::string_view text, std::span<const std::uint32_t> declared,
                             std::uint32_t shift, std::size_t bytes_max) {
  const id_list ids(declared);
  std::string number;
  return rewrite(text, bytes_max,
                 [&](const hole& at, std::string_view& value, std::optional<plan_error>& error) {
                   const std::uint32_t id = id_of(at.name);
                   if (id == 0) return false;
                   if (ids.has(id)) {
                     number = "{{" + std::to_string(id + shift) + "}}";
                     value = number;
                     return true;
                   }
                   if (id > shift && ids.has(id - shift)) {
                     error = make_error(plan_errc::ambiguous_placeholder, at.begin, 0,
                                        "{{" + std::to_string(id) +
                                            "}} is not declared in depends_on; declare step " +
                                            std::to_string(id) +
                                            " there, or leave the placeholder out");
                   }
                   return false;
                 });
}

result<std::string> expand(std::string_view text, const named_values& values,
                           std::size_t bytes_max) {
  return rewrite(text, bytes_max,
                 [&](const hole& at, std::string_view& value, std::optional<plan_error>&) {
                   if (!is_letter(at.name.front())) return false;
                   const auto found = values.find(at.name);
                   if (found == values.end()) return false;
                   value = found->second;
                   return true;
                 });
}

}  // namespace tandem::plan
