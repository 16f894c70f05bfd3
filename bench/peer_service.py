"""The peer of bench/service.py: the same model behind FastAPI and uvicorn, with XGBoost and shap.

    MODEL=forest.json ROW=row.json uvicorn peer_service:app --workers 2

It reads the same request and checks it with pydantic, as such services do. The row that the model reads is ready made, which
no real service of this kind has, or, under /whole, computed from the request (peer_features.py). It decides nothing and says no
sentences.
"""

import json
import os

import numpy
import shap
import xgboost
from fastapi import FastAPI
from peer_features import functions, row
from pydantic import BaseModel

booster = xgboost.Booster(model_file=os.environ["MODEL"])
booster.set_param({"nthread": 1})  # on one row more threads only wait for each other
with open(os.environ["ROW"], encoding="utf-8") as f:
    ROW = numpy.array([json.load(f)], dtype=numpy.float32)
NAMES = booster.feature_names
COLUMNS = functions(NAMES)
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
    return scored(request, ROW)


@app.post("/explained")
def explained(request: Request):
    return with_contributions(request, ROW)


@app.post("/whole/score")
def whole_score(request: Request):
    return scored(request, row_of(request))


@app.post("/whole/explained")
def whole_explained(request: Request):
    return with_contributions(request, row_of(request))


def row_of(request):
    return numpy.array([row(COLUMNS, request)], dtype=numpy.float32)


def scored(request, values):
    probability = booster.inplace_predict(values, validate_features=False)[0]
    return {"customer_id": request.customer_id, "probability": float(probability)}


def with_contributions(request, values):
    probability = booster.inplace_predict(values, validate_features=False)[0]
    contributions = explainer.shap_values(values)[0]
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
