"""A small shop: prices by a model that is trained at the start, as many internal services do it."""

import numpy as np
import pandas as pd
from fastapi import FastAPI
from pydantic import BaseModel
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sqlalchemy import create_engine, text

FRUITS = ("apple", "pear", "plum")


def trained():
    """A pipeline fitted to 300 sales."""
    random = np.random.default_rng(1)
    sales = pd.DataFrame({"fruit": random.choice(FRUITS, 300), "kilos": random.gamma(2, 3, 300)})
    prices = sales["kilos"] * 2 + sales["fruit"].map({fruit: len(fruit) for fruit in FRUITS})
    columns = ColumnTransformer([("fruit", OneHotEncoder(), ["fruit"]), ("kilos", StandardScaler(), ["kilos"])])
    return make_pipeline(columns, RandomForestRegressor(n_estimators=5, random_state=1)).fit(sales, prices)


class Sale(BaseModel):
    """What somebody wants to buy."""

    fruit: str
    kilos: float


app = FastAPI()
model = trained()
database = create_engine("sqlite://")


@app.get("/health")
def health():
    """Whether the database answers."""
    with database.connect() as connection:
        return {"status": "ok", "answer": connection.execute(text("select 42")).scalar()}


@app.post("/price")
def price(sale: Sale):
    """A price by the model."""
    return {"price": float(model.predict(pd.DataFrame([sale.model_dump()]))[0])}
