// SPDX-License-Identifier: BSD-3-Clause
// A doubly linked list through its own elements: no allocation, O(1) unlink
// from anywhere. The list never owns what it links.
#ifndef CHIMNEY_BASE_INTRUSIVE_LIST_H_
#define CHIMNEY_BASE_INTRUSIVE_LIST_H_

#include <cassert>
#include <cstddef>
#include <iterator>
#include <type_traits>

namespace chimney {

struct DefaultListTag {};

template <typename T, typename Tag>
class IntrusiveList;

// The hook: a type that is to be listed derives from ListNode<Tag>, once for
// each list that it can be on at the same time. A node unlinks itself when it
// is destroyed.
template <typename Tag = DefaultListTag>
class ListNode {
 public:
  ListNode() = default;
  ~ListNode() { Unlink(); }
  ListNode(const ListNode&) = delete;
  ListNode& operator=(const ListNode&) = delete;

  bool IsLinked() const { return next_ != nullptr; }
  // Leaves whatever list this is on; nothing happens if it is on none.
  void Unlink() {
    if (next_ == nullptr) return;
    prev_->next_ = next_;
    next_->prev_ = prev_;
    next_ = nullptr;
    prev_ = nullptr;
  }

 private:
  template <typename, typename>
  friend class IntrusiveList;

  void LinkBefore(ListNode* position) {
    prev_ = position->prev_;
    next_ = position;
    prev_->next_ = this;
    position->prev_ = this;
  }

  ListNode* next_ = nullptr;
  ListNode* prev_ = nullptr;
};

// T derives from ListNode<Tag>. Not copied or moved, since elements point at
// the list's own anchor.
template <typename T, typename Tag = DefaultListTag>
class IntrusiveList {
 public:
  using Node = ListNode<Tag>;

  class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = T;
    using difference_type = std::ptrdiff_t;
    using pointer = T*;
    using reference = T&;

    Iterator() = default;
    T& operator*() const { return *static_cast<T*>(node_); }
    T* operator->() const { return static_cast<T*>(node_); }
    Iterator& operator++() {
      node_ = node_->next_;
      return *this;
    }
    Iterator operator++(int) {
      Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    friend class IntrusiveList;
    explicit Iterator(Node* node) : node_(node) {}
    Node* node_ = nullptr;
  };

  IntrusiveList() {
    static_assert(std::is_base_of_v<Node, T>);
    ResetAnchor();
  }
  ~IntrusiveList() {
    Clear();
    anchor_.next_ = nullptr;
    anchor_.prev_ = nullptr;
  }
  IntrusiveList(const IntrusiveList&) = delete;
  IntrusiveList& operator=(const IntrusiveList&) = delete;

  bool empty() const { return anchor_.next_ == &anchor_; }
  // nullptr when empty.
  T* front() { return empty() ? nullptr : static_cast<T*>(anchor_.next_); }
  T* back() { return empty() ? nullptr : static_cast<T*>(anchor_.prev_); }
  // The neighbour of a listed element, nullptr at the end.
  T* Next(T* element) { return AsElement(NodeOf(element)->next_); }
  T* Previous(T* element) { return AsElement(NodeOf(element)->prev_); }

  // The element must be on no list with this tag.
  void PushBack(T* element) { Insert(&anchor_, element); }
  void PushFront(T* element) { Insert(anchor_.next_, element); }
  void InsertBefore(T* position, T* element) {
    Insert(NodeOf(position), element);
  }
  T* PopFront() {
    T* element = front();
    if (element != nullptr) NodeOf(element)->Unlink();
    return element;
  }
  static void Remove(T* element) { NodeOf(element)->Unlink(); }
  // Unlinks every element, O(n).
  void Clear() {
    while (PopFront() != nullptr) {
    }
  }
  // Moves all of `other` behind the last element of this, O(1).
  void SpliceBack(IntrusiveList* other) {
    if (other == this || other->empty()) return;
    Node* first = other->anchor_.next_;
    Node* last = other->anchor_.prev_;
    first->prev_ = anchor_.prev_;
    anchor_.prev_->next_ = first;
    last->next_ = &anchor_;
    anchor_.prev_ = last;
    other->ResetAnchor();
  }

  // To unlink the current element while walking, step the iterator first.
  Iterator begin() { return Iterator(anchor_.next_); }
  Iterator end() { return Iterator(&anchor_); }

 private:
  static Node* NodeOf(T* element) { return static_cast<Node*>(element); }
  T* AsElement(Node* node) {
    return node == &anchor_ ? nullptr : static_cast<T*>(node);
  }
  void ResetAnchor() {
    anchor_.next_ = &anchor_;
    anchor_.prev_ = &anchor_;
  }
  void Insert(Node* position, T* element) {
    Node* node = NodeOf(element);
    assert(!node->IsLinked());
    node->LinkBefore(position);
  }

  Node anchor_;
};

}  // namespace chimney

#endif  // CHIMNEY_BASE_INTRUSIVE_LIST_H_
