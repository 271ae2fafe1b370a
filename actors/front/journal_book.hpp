#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <caf/expected.hpp>

#include "actors/front/key_owner.hpp"

namespace tandem {

/// Where a journal was seen last.
struct journal_place {
  std::string node;
  std::string address;
  std::uint64_t seen_ms = 0;
};

/// Every journal that this node has ever heard of, alive or not, in the order in which it learned
/// of them, and what it needs to know so that a client key names one job only (README.md has the
/// argument). Knows nothing of files and actors: to_text() and parse() make it durable.
class journal_book {
 public:
  static constexpr std::size_t journals_max = 4096;
  static constexpr std::size_t text_bytes_max = std::size_t{4} << 20;

  /// Whether anything is new; false as well for what does not fit, and for journal 0. What is known
  /// keeps its place in the order.
  bool learn(const journal_birth& journal);
  /// False: it is known there already, or not at all. A later `seen_ms` alone changes nothing.
  bool place(std::uint64_t journal, journal_place where);

  [[nodiscard]] std::span<const journal_birth> journals() const { return journals_; }
  [[nodiscard]] bool knows(std::uint64_t journal) const { return places_.contains(journal); }
  /// Null: not known.
  [[nodiscard]] const journal_place* where(std::uint64_t journal) const;
  [[nodiscard]] bool is_full() const { return journals_.size() >= journals_max; }

  /// The oldest journal: the order in which it has learned of the others decides. 0: there is none.
  [[nodiscard]] std::uint64_t sequencer() const;
  [[nodiscard]] std::uint64_t owner(std::uint64_t hash) const { return key_owner(hash, journals_); }

  /// Whom to ask before `owner` accepts a key: the owners so far by the sequencer's `order`, and
  /// whoever may have accepted keys under another order. Without `ordered`: everybody else.
  [[nodiscard]] std::set<std::uint64_t> earlier_owners(std::uint64_t hash,
                                                       std::span<const journal_birth> order,
                                                       bool ordered) const;

  /// `journal` has said that it accepts keys under the order of `sequencer` alone.
  bool settle(std::uint64_t journal, std::uint64_t sequencer);
  /// What a journal that is open here says of itself; 0: it cannot.
  [[nodiscard]] std::uint64_t settled_under(std::uint64_t journal) const;

  /// Before `journal`, which is open here, accepts a key. True: it must be durable first.
  bool note_accept(std::uint64_t journal, std::uint64_t sequencer);

  /// The journal of this data folder. `is_new`: it has no jobs yet. A book that was lost, or a
  /// journal that is older than its book, may have accepted keys that the book does not tell of.
  bool adopt(const journal_birth& own, bool is_new);
  /// Whether the order of `journal`, which is open here, is the one it has always answered with:
  /// not so when its book was lost, or when it came here from another node's folder.
  [[nodiscard]] bool is_ordered(std::uint64_t journal) const { return ordered_ == journal; }

  [[nodiscard]] std::string to_text() const;
  /// `corrupted` says which line is wrong.
  [[nodiscard]] static caf::expected<journal_book> parse(std::string_view text);

 private:
  struct line_of {
    journal_place place;
    std::uint64_t settled_under = 0;
    /// Sequencers under whose order it has accepted keys while it was open here.
    std::set<std::uint64_t> accepted_under;
  };
  bool add_line(std::string_view line);

  std::vector<journal_birth> journals_;
  std::map<std::uint64_t, line_of> places_;
  std::uint64_t own_ = 0;
  std::uint64_t ordered_ = 0;
};

}  // namespace tandem
