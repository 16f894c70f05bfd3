def write(model, results):
    pass
