"""The peer of bench/service.py: the same model behind FastAPI and uvicorn, with XGBoost and shap.

    MODEL=forest.json ROW=row.json uvicorn peer_service:app --workers 2

It reads the same request and checks it with pydantic, as such services do. It computes no features: the row that the
model reads is ready made, which no real service of this kind has. It decides nothing and says no sentences.
"""

import json
import os

import numpy
import shap
import xgboost
from fastapi import FastAPI
from pydantic import BaseModel

booster = xgboost.Booster(model_file=os.environ["MODEL"])
booster.set_param({"nthread": 1})  # on one row more threads only wait for each other
with open(os.environ["ROW"], encoding="utf-8") as f:
    ROW = numpy.array([json.load(f)], dtype=numpy.float32)
NAMES = booster.feature_names
explainer = shap.TreeExplainer(booster)
app = FastAPI()


class Request(BaseModel):
    customer_id: str
    customer: dict[str, str | bool | float | None]
    transactions: list[dict[str, str | float | None]]
    as_of: str


@app.get("/readyz")
def ready():
    return {"ready": True}


@app.post("/score")
def score(request: Request):
    probability = booster.inplace_predict(ROW, validate_features=False)[0]
    return {"customer_id": request.customer_id, "probability": float(probability)}


@app.post("/explained")
def explained(request: Request):
    probability = booster.inplace_predict(ROW, validate_features=False)[0]
    contributions = explainer.shap_values(ROW)[0]
    return {
        "customer_id": request.customer_id,
        "probability": float(probability),
        "contributions": dict(zip(NAMES, contributions.tolist())),
        "bias": float(explainer.expected_value),
    }


@app.post("/contributed")
def contributed(request: Request):
    """The same contributions by XGBoost itself, which is quicker than shap."""
    contributions = booster.predict(xgboost.DMatrix(ROW, feature_names=NAMES), pred_contribs=True)[0]
    probability = 1 / (1 + numpy.exp(-contributions.sum()))
    return {
        "customer_id": request.customer_id,
        "probability": float(probability),
        "contributions": dict(zip(NAMES, contributions[:-1].tolist())),
        "bias": float(contributions[-1]),
    }
