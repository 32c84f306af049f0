// SPDX-License-Identifier: BSD-3-Clause
// The intrusive list.
#include "base/intrusive_list.h"

#include <gtest/gtest.h>

#include <vector>

namespace chimney {
namespace {

struct ByAge {};

struct Item : ListNode<>, ListNode<ByAge> {
  explicit Item(int v) : value(v) {}
  int value;
};

using Items = IntrusiveList<Item>;
using ItemsByAge = IntrusiveList<Item, ByAge>;

std::vector<int> Values(Items* list) {
  std::vector<int> values;
  for (const Item& item : *list) values.push_back(item.value);
  return values;
}

TEST(IntrusiveList, EmptyHasNoEnds) {
  Items list;
  EXPECT_TRUE(list.empty());
  EXPECT_EQ(list.front(), nullptr);
  EXPECT_EQ(list.back(), nullptr);
  EXPECT_EQ(list.PopFront(), nullptr);
}

TEST(IntrusiveList, KeepsOrderOfPushes) {
  Item a(1), b(2), c(3), d(4);
  Items list;
  list.PushBack(&b);
  list.PushBack(&d);
  list.PushFront(&a);
  list.InsertBefore(&d, &c);
  EXPECT_EQ(Values(&list), (std::vector<int>{1, 2, 3, 4}));
  EXPECT_EQ(list.front(), &a);
  EXPECT_EQ(list.back(), &d);
  EXPECT_EQ(list.Next(&a), &b);
  EXPECT_EQ(list.Next(&d), nullptr);
  EXPECT_EQ(list.Previous(&a), nullptr);
  EXPECT_EQ(list.Previous(&d), &c);
  list.Clear();
}

TEST(IntrusiveList, UnlinksFromAnywhereWithoutTheList) {
  Item a(1), b(2), c(3);
  Items list;
  for (Item* item : {&a, &b, &c}) list.PushBack(item);
  Items::Remove(&b);
  EXPECT_EQ(Values(&list), (std::vector<int>{1, 3}));
  static_cast<ListNode<>&>(a).Unlink();
  static_cast<ListNode<>&>(a).Unlink();  // A second time does nothing.
  EXPECT_EQ(Values(&list), (std::vector<int>{3}));
  EXPECT_EQ(list.PopFront(), &c);
  EXPECT_TRUE(list.empty());
}

TEST(IntrusiveList, DestroyedElementLeaves) {
  Item a(1);
  Items list;
  list.PushBack(&a);
  {
    Item b(2);
    list.PushBack(&b);
  }
  EXPECT_EQ(Values(&list), (std::vector<int>{1}));
}

TEST(IntrusiveList, DestroyedListUnlinksElements) {
  Item a(1);
  {
    Items list;
    list.PushBack(&a);
    EXPECT_TRUE(static_cast<ListNode<>&>(a).IsLinked());
  }
  EXPECT_FALSE(static_cast<ListNode<>&>(a).IsLinked());
}

TEST(IntrusiveList, OneElementOnTwoListsByTag) {
  Item a(1), b(2);
  Items list;
  ItemsByAge by_age;
  list.PushBack(&a);
  list.PushBack(&b);
  by_age.PushFront(&a);
  by_age.PushFront(&b);
  EXPECT_EQ(by_age.front(), &b);
  Items::Remove(&b);
  EXPECT_EQ(by_age.front(), &b);
  EXPECT_EQ(Values(&list), (std::vector<int>{1}));
}

TEST(IntrusiveList, SpliceMovesEverythingToTheBack) {
  Item a(1), b(2), c(3), d(4);
  Items list, other;
  list.PushBack(&a);
  for (Item* item : {&b, &c, &d}) other.PushBack(item);
  list.SpliceBack(&other);
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(Values(&list), (std::vector<int>{1, 2, 3, 4}));
  list.SpliceBack(&other);  // Empty: no change.
  list.SpliceBack(&list);   // Itself: no change.
  EXPECT_EQ(Values(&list), (std::vector<int>{1, 2, 3, 4}));
  other.SpliceBack(&list);
  EXPECT_EQ(Values(&other), (std::vector<int>{1, 2, 3, 4}));
}

TEST(IntrusiveList, CurrentElementMayLeaveOnceStepped) {
  Item a(1), b(2), c(3), d(4);
  Items list;
  for (Item* item : {&a, &b, &c, &d}) list.PushBack(item);
  for (auto it = list.begin(); it != list.end();) {
    Item& item = *it++;
    if (item.value % 2 == 0) Items::Remove(&item);
  }
  EXPECT_EQ(Values(&list), (std::vector<int>{1, 3}));
}

}  // namespace
}  // namespace chimney
