#include "actors/semantic/goal_words.hpp"

#include <algorithm>

namespace tandem {
namespace {

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool letter(char c) {
  return upper(c) || lower(c) || static_cast<unsigned char>(c) >= 0x80;
}
bool space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Typographic quotes, dashes and spaces in plain ones.
std::string plain(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    auto three = text.substr(i, 3);
    if (three == "\u2018" || three == "\u2019") {
      out += '\'';
    } else if (three == "\u201c" || three == "\u201d") {
      out += '"';
    } else if (three == "\u2013" || three == "\u2014" || three == "\u2212") {
      out += '-';
    } else if (three == "\u2009" || three == "\u202f") {
      out += ' ';
    } else if (text.substr(i, 2) == "\u00a0") {
      out += ' ';
      ++i;
      continue;
    } else {
      out += text[i];
      continue;
    }
    i += 2;
  }
  return out;
}

/// Meant literally as a whole: an address, a path, an identifier.
bool literal_chunk(std::string_view chunk) {
  if (chunk.find("://") != chunk.npos || chunk.find("::") != chunk.npos) return true;
  if (chunk.find('_') != chunk.npos || chunk.find('\\') != chunk.npos) return true;
  if (auto at = chunk.find('@'); at != chunk.npos && at + 1 < chunk.size()) return true;
  if (chunk.size() > 1 && (chunk[0] == '#' || chunk[0] == '@')) return true;
  auto starts = [&](std::string_view with) { return chunk.substr(0, with.size()) == with; };
  if (starts("~/") || starts("./") || starts("../")) return true;
  if (chunk[0] == '/' && chunk.size() > 1 && letter(chunk[1])) return true;
  for (std::size_t i = 1; i + 1 < chunk.size(); ++i) {
    // file.txt, www.example.org; "e.g." and "end.Next" are told apart below.
    if (chunk[i] == '.' && lower(chunk[i - 1]) && (lower(chunk[i + 1]) || digit(chunk[i + 1])) &&
        i >= 2)
      return true;
    // camelCase
    if (lower(chunk[i]) && upper(chunk[i + 1]) && lower(chunk[0])) return true;
    // gpt4, utf8: letters, then digits
    if (letter(chunk[i - 1]) && digit(chunk[i])) return true;
  }
  return chunk.size() >= 2 && letter(chunk[chunk.size() - 2]) && digit(chunk.back());
}

/// "Mr." and "J." end no sentence.
bool shortens(const goal_word& word) {
  if (word.type != goal_word::kind::word || !word.capital) return false;
  auto& text = word.text;
  return text.size() == 1 || text == "mr" || text == "mrs" || text == "ms" || text == "dr" ||
         text == "st";
}

class word_reader {
 public:
  word_reader(std::string_view text, std::size_t most) : text_{text}, most_{most} {}

  std::vector<goal_word> read() {
    while (at_ < text_.size() && out_.size() < most_) {
      char c = text_[at_];
      if (space(c)) {
        ++at_;
        joined_ = false;
        continue;
      }
      if (!joined_ && take_quoted()) continue;
      if (!joined_ && take_literal()) continue;
      if (digit(c) || (c == '.' && at_ + 1 < text_.size() && digit(text_[at_ + 1]) && !joined_))
        take_number();
      else if (letter(c))
        take_word();
      else
        take_sign();
    }
    return std::move(out_);
  }

 private:
  void add(goal_word::kind type, std::string text, bool capital = false) {
    out_.push_back({type, std::move(text), capital, opens_, joined_});
    opens_ = false;
    joined_ = true;
  }

  bool take_quoted() {
    char quote = text_[at_];
    if (quote != '"' && quote != '`') return false;
    // A quotation longer than this is a stray quote or a text of its own.
    auto end = text_.substr(0, std::min(text_.size(), at_ + 200)).find(quote, at_ + 1);
    if (end == text_.npos || end == at_ + 1) return false;
    add(goal_word::kind::literal, std::string{text_.substr(at_ + 1, end - at_ - 1)});
    at_ = end + 1;
    return true;
  }

  bool take_literal() {
    if (at_ < read_until_) return false;
    auto end = at_;
    while (end < text_.size() && !space(text_[end]) && end - at_ < 400) ++end;
    // Looked at once: its pieces are not tried again one by one.
    read_until_ = end;
    auto chunk = text_.substr(at_, end - at_);
    auto edge = [](char c) {
      return std::string_view{".,;:!?\"'()[]{}<>"}.find(c) != std::string_view::npos;
    };
    std::size_t skipped = 0;
    while (!chunk.empty() && edge(chunk.back())) chunk.remove_suffix(1);
    while (!chunk.empty() && edge(chunk.front()) && chunk.front() != '.') {
      chunk.remove_prefix(1);
      ++skipped;
    }
    if (chunk.empty() || !literal_chunk(chunk)) return false;
    add(goal_word::kind::literal, std::string{chunk});
    at_ += skipped + chunk.size();
    return true;
  }

  void take_number() {
    std::string number;
    auto follows = [&](std::size_t count) {
      for (std::size_t i = 1; i <= count; ++i)
        if (at_ + i >= text_.size() || !digit(text_[at_ + i])) return false;
      return at_ + count + 1 >= text_.size() || !digit(text_[at_ + count + 1]);
    };
    bool point = false;
    // "400 000"
    auto thousands = [&] {
      return !point && !number.empty() && text_.substr(at_, 4) == " 000" && follows(3);
    };
    for (; at_ < text_.size() && number.size() < 40; ++at_) {
      char c = text_[at_];
      if (digit(c)) {
        number += c;
      } else if (c == '.' && !point && at_ + 1 < text_.size() && digit(text_[at_ + 1])) {
        number += c;
        point = true;
      } else if (!(c == ',' && !point && !number.empty() && follows(3)) && !thousands()) {
        break;
      }
    }
    add(goal_word::kind::number, std::move(number));
  }

  void take_word() {
    bool capital = upper(text_[at_]);
    std::string word;
    auto inside = [&](std::size_t i) {
      return letter(text_[i]) || (text_[i] == '\'' && i + 1 < text_.size() && letter(text_[i + 1]));
    };
    for (; at_ < text_.size() && word.size() < 100 && inside(at_); ++at_)
      word += upper(text_[at_]) ? static_cast<char>(text_[at_] + ('a' - 'A')) : text_[at_];
    if (word.size() > 2 && word.ends_with("'s")) word.resize(word.size() - 2);
    add(goal_word::kind::word, std::move(word), capital);
  }

  void take_sign() {
    char c = text_[at_];
    if (c == '.' || c == '!' || c == '?' || c == ';' || c == '\n') {
      bool title = c == '.' && !out_.empty() && joined_ && shortens(out_.back());
      if (!title) add(goal_word::kind::sign, ".");
      opens_ = !title;
    } else if (std::string_view{"%-/:+="}.find(c) != std::string_view::npos) {
      add(goal_word::kind::sign, std::string{c});
    } else if (c == '"' || c == '(') {
      // What opens a quotation or an aside may be a sentence.
      joined_ = false;
      opens_ = opens_ || c == '"';
      ++at_;
      return;
    } else {
      joined_ = c == '$';
    }
    ++at_;
  }

  std::string_view text_;
  std::size_t most_;
  std::size_t at_ = 0;
  std::size_t read_until_ = 0;
  bool opens_ = true;
  bool joined_ = false;
  std::vector<goal_word> out_;
};

}  // namespace

std::vector<goal_word> words_of(std::string_view text, std::size_t words_max) {
  auto normal = plain(text);
  return word_reader{normal, words_max}.read();
}

}  // namespace tandem
