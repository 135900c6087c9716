// The card on a Salesforce contact. It reads the response records of the org itself, as far as its
// user may see them; the hub is not asked.
import { LightningElement, api, wire } from "lwc";
import { getRelatedListRecords } from "lightning/uiRelatedListApi";

import { headline, isEmpty, occasion, safeLink, trend } from "./reading";
import { FIELDS, NEWEST_FIRST, RELATED_LIST, cardOf } from "./records";

export default class NpstodayAnswers extends LightningElement {
  @api recordId;
  card = null;
  problem = "";

  @wire(getRelatedListRecords, {
    parentRecordId: "$recordId",
    relatedListId: RELATED_LIST,
    fields: FIELDS,
    sortBy: NEWEST_FIRST,
    pageSize: 50,
  })
  told({ data, error }) {
    this.problem = error ? "You may not see the survey answers, or the package is not whole." : "";
    this.card = data ? cardOf(data.records) : null;
  }

  get isEmpty() {
    return this.card !== null && isEmpty(this.card);
  }

  get headline() {
    return this.card ? headline(this.card) : "";
  }

  get occasion() {
    return this.card ? occasion(this.card) : "";
  }

  get trend() {
    return this.card ? trend(this.card) : "";
  }

  get comment() {
    return this.card && this.card.comment ? this.card.comment.text : "";
  }

  get link() {
    return this.card ? safeLink(this.card) : null;
  }
}
