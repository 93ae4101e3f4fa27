"""What a tutorial writes: FastAPI, SQLAlchemy, SQLite, one commit a request; `uvicorn tutorial:app`."""

import json
import os
from collections.abc import Iterator

from fastapi import Depends, FastAPI, Header, HTTPException
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine("sqlite:///./webhooks.db", connect_args={"check_same_thread": False})
SessionLocal = sessionmaker(bind=engine, autoflush=False)


class Base(DeclarativeBase):
    pass


class ReceivedTask(Base):
    __tablename__ = "events"

    id: Mapped[int] = mapped_column(primary_key=True)
    task_id: Mapped[str] = mapped_column(unique=True, index=True)
    status: Mapped[str]
    payload: Mapped[str]


Base.metadata.create_all(engine)
app = FastAPI()


def get_db() -> Iterator[Session]:
    db = SessionLocal()
    try:
        yield db
    finally:
        db.close()


@app.post("/webhook")
def receive(task: dict, x_webhook_secret: str = Header(), db: Session = Depends(get_db)) -> dict:  # noqa: B008
    if x_webhook_secret != os.environ["WEBHOOK_SECRET"]:
        raise HTTPException(401, "wrong secret")
    db.add(ReceivedTask(task_id=task["task_id"], status=task["status"], payload=json.dumps(task)))
    db.commit()
    return {"ok": True}
