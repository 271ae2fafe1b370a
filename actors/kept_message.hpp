#pragma once

#include <memory>
#include <utility>

#include "schema/message.hpp"

namespace tandem {

/// A message that its owner reads again and again, with a reader that is made once: a new one for
/// each look costs more than most looks. Copies share both, and are for one actor. A reader that
/// was got from here lives as long as one of them.
template <class T>
class kept_message {
 public:
  kept_message() = default;
  /// Implicit: it is the message, and how it is read is its owner's affair.
  kept_message(message<T> from) {
    if (!from.empty()) held_ = std::make_shared<const held>(std::move(from));
  }

  /// Precondition: not empty.
  [[nodiscard]] const message_reader<T>& read() const { return held_->reader; }
  [[nodiscard]] const message<T>& get() const { return held_->words; }
  [[nodiscard]] bool empty() const { return held_ == nullptr; }

 private:
  struct held {
    message<T> words;
    message_reader<T> reader;
    explicit held(message<T> from) : words{std::move(from)}, reader{words.words()} {}
  };

  std::shared_ptr<const held> held_;
};

}  // namespace tandem
