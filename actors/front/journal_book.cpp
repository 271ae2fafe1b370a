#include "actors/front/journal_book.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "schema/errc.hpp"
#include "schema/ids.hpp"
#include "schema/text.hpp"
#include "storage/crc32c.hpp"

namespace tandem {
namespace {

constexpr std::string_view first_line = "tandem-journals 1\n";
/// Stands for sequencers that nobody remembers.
constexpr std::uint64_t unknown_sequencer = ~std::uint64_t{0};
/// More of them are not told apart.
constexpr std::size_t accepted_under_max = 8;
constexpr std::size_t name_bytes_max = 256;

std::string checksum(std::string_view text) {
  return std::to_string(storage::crc32c_of(std::as_bytes(std::span{text})));
}

/// One line's worth: printable, bounded.
std::string one_line(std::string_view text) {
  auto out = valid_utf8(cut(text, name_bytes_max));
  for (auto& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7F) c = '?';
  return out;
}

std::string_view next_word(std::string_view& line) {
  auto end = std::min(line.find(' '), line.size());
  auto word = line.substr(0, end);
  line.remove_prefix(std::min(end + 1, line.size()));
  return word;
}

std::optional<std::uint64_t> number(std::string_view word) {
  std::uint64_t value = 0;
  auto [end, err] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (err != std::errc{} || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

bool journal_book::learn(const journal_birth& journal) {
  if (journal.journal == 0 || is_full() || knows(journal.journal)) return false;
  journals_.push_back(journal);
  places_.emplace(journal.journal, line_of{});
  return true;
}

bool journal_book::place(std::uint64_t journal, journal_place where) {
  auto found = places_.find(journal);
  if (found == places_.end()) return false;
  where.node = one_line(where.node);
  where.address = one_line(where.address);
  std::replace(where.address.begin(), where.address.end(), ' ', '?');
  auto& is = found->second.place;
  auto moved = is.node != where.node || is.address != where.address;
  where.seen_ms = std::max(where.seen_ms, is.seen_ms);
  is = std::move(where);
  return moved;
}

const journal_place* journal_book::where(std::uint64_t journal) const {
  auto found = places_.find(journal);
  return found == places_.end() ? nullptr : &found->second.place;
}

std::uint64_t journal_book::sequencer() const {
  auto oldest = std::min_element(journals_.begin(), journals_.end());
  return oldest == journals_.end() ? 0 : oldest->journal;
}

std::set<std::uint64_t> journal_book::earlier_owners(std::uint64_t hash,
                                                     std::span<const journal_birth> order,
                                                     bool ordered) const {
  std::set<std::uint64_t> earlier;
  auto first = sequencer();
  for (auto journal : key_owners_so_far(hash, order)) earlier.insert(journal);
  for (const auto& each : journals_) {
    auto found = places_.find(each.journal);
    auto settled = each.journal == own_ ? settled_under(own_) : found->second.settled_under;
    if (!ordered || settled != first) earlier.insert(each.journal);
  }
  if (first != 0) earlier.insert(first);
  earlier.erase(owner(hash));
  return earlier;
}

bool journal_book::settle(std::uint64_t journal, std::uint64_t sequencer) {
  auto found = places_.find(journal);
  if (found == places_.end() || found->second.settled_under == sequencer) return false;
  found->second.settled_under = sequencer;
  return true;
}

std::uint64_t journal_book::settled_under(std::uint64_t journal) const {
  auto found = places_.find(journal);
  if (journal != own_ || found == places_.end()) return 0;
  auto first = sequencer();
  for (auto other : found->second.accepted_under)
    if (other != first) return 0;
  return first;
}

bool journal_book::note_accept(std::uint64_t journal, std::uint64_t sequencer) {
  auto found = places_.find(journal);
  if (found == places_.end()) return false;
  auto& under = found->second.accepted_under;
  if (under.contains(sequencer) || under.contains(unknown_sequencer)) return false;
  under.insert(under.size() < accepted_under_max ? sequencer : unknown_sequencer);
  return true;
}

bool journal_book::adopt(const journal_birth& own, bool is_new) {
  if (own_ == own.journal) return false;
  auto was_known = knows(own.journal);
  learn(own);
  own_ = own.journal;
  auto nothing_lost = is_new && !was_known;
  ordered_ = nothing_lost ? own_ : 0;
  if (!nothing_lost) places_[own_].accepted_under.insert(unknown_sequencer);
  return true;
}

std::string journal_book::to_text() const {
  std::string out{first_line};
  out += "own " + std::to_string(own_) + ' ' + (ordered_ == own_ && own_ != 0 ? '1' : '0') + '\n';
  for (const auto& each : journals_) {
    const auto& line = places_.at(each.journal);
    std::string under;
    for (auto other : line.accepted_under)
      under += (under.empty() ? "" : ",") + std::to_string(other);
    out += "journal " + to_string(journal_id{each.journal}) + ' ' + std::to_string(each.birth_ms) +
           ' ' + std::to_string(line.place.seen_ms) + ' ' + std::to_string(line.settled_under) +
           ' ' + (under.empty() ? "-" : under) + ' ' +
           (line.place.address.empty() ? "-" : line.place.address) + ' ' + line.place.node + '\n';
  }
  out += "end " + checksum(out) + '\n';
  return out;
}

bool journal_book::add_line(std::string_view line) {
  auto kind = next_word(line);
  if (kind == "own") {
    auto own = number(next_word(line));
    auto ordered = number(line);
    if (!own || !ordered || *ordered > 1) return false;
    own_ = *own;
    ordered_ = *ordered == 1 ? own_ : 0;
    return true;
  }
  if (kind != "journal") return false;
  auto id = parse_journal_id(next_word(line));
  auto birth = number(next_word(line));
  auto seen = number(next_word(line));
  auto settled = number(next_word(line));
  auto under = next_word(line);
  auto address = next_word(line);
  if (!id || !birth || !seen || !settled || address.empty()) return false;
  if (!learn({*birth, id->value})) return false;
  auto& to = places_.at(id->value);
  to.settled_under = *settled;
  to.place = {one_line(line), address == "-" ? std::string{} : one_line(address), *seen};
  while (under != "-" && !under.empty()) {
    auto end = std::min(under.find(','), under.size());
    auto sequencer = number(under.substr(0, end));
    if (!sequencer) return false;
    to.accepted_under.insert(*sequencer);
    under.remove_prefix(std::min(end + 1, under.size()));
  }
  return true;
}

caf::expected<journal_book> journal_book::parse(std::string_view text) {
  auto bad = [](std::size_t line, const char* what) {
    return make_error(errc::corrupted, "line " + std::to_string(line) + ": " + what);
  };
  if (text.size() > text_bytes_max) return bad(1, "the file is longer than 4 MiB");
  if (!text.starts_with(first_line)) return bad(1, "it is no list of journals of this version");
  journal_book book;
  auto at = first_line.size();
  for (std::size_t line = 2;; ++line) {
    auto end = text.find('\n', at);
    if (end == std::string_view::npos) return bad(line, "the end is missing");
    auto words = text.substr(at, end - at);
    if (words.starts_with("end ")) {
      if (words.substr(4) != checksum(text.substr(0, at)) || end + 1 != text.size())
        return bad(line, "the checksum differs");
      break;
    }
    if (!book.add_line(words)) return bad(line, "it cannot be read");
    at = end + 1;
  }
  if (book.own_ != 0 && !book.knows(book.own_)) return bad(2, "its own journal is not listed");
  return book;
}

}  // namespace tandem
