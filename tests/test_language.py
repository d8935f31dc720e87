"""Questions in other languages: told apart, answered by their names, or declined politely."""

from __future__ import annotations

import pytest

from assistant import Assistant
from assistant.answering.language import language_of
from assistant.evaluation.questions import load_questions
from assistant.query.forms import load_forms


def told(question: str, assistant: Assistant) -> str | None:
    collection, is_word = assistant.collection, assistant.retriever().is_word
    return collection.read(lambda: language_of(question, collection, is_word))


@pytest.mark.parametrize(("question", "language"), [
    ("Was ist Redco?", "de"), ("Welche Methoden bearbeiten GPT-J?", "de"), ("Wie lange koche ich ein Ei?", "de"),
    ("¿Qué es MEMIT?", "es"), ("¿Cuántos artículos hay?", "es"), ("Qu'est-ce que LoRAMoE ?", "fr"),
    ("como se treina um modelo de linguagem?", "pt"), ("cosa sono i modelli della lingua?", "it"),
    ("wat is een taalmodel en hoe werkt het?", "nl"),
    ("什么是MEMIT？", "zh"), ("LoRAMoEとは何ですか？", "ja"), ("MEMIT는 무엇입니까?", "ko"), ("Что такое MEMIT?", "ru"),
    ("ما هو MEMIT؟", "ar"), ("Kako radi ovaj model jezika?", "other"),
    ("what is Sabiá?", None), ("who is de Vries?", None), ("wat is Redco", None), ("MEMIT", None), ("", None),
    ("whats MIGU in continul learnig of lanuage models, define pls", None), ("α-divergence and β-VAE", None),
    ("Wer hat AlphaEdit vorgeschlagen?", "de"), ("Zeig mir Arbeiten über Modellkompression", "de"),
    ("¿Cómo funciona la edición de conocimiento?", "es"), ("Pourquoi les modèles oublient-ils ?", "fr"),
    ("Jakie artykuły dotyczą tłumaczenia maszynowego?", "pl"), ("Bilgi düzenleme nasıl çalışır?", "tr"),
    ("Vilka artiklar handlar om maskinöversättning?", "other"), ("Mely cikkek szólnak a gépi fordításról?", "other"),
    ("tranexamic acid postpartum haemorrhage", None), ("hydroxyurea for sickle cell anaemia", None),
    ("osteoclast phagocytosis haemopoiesis immunoglobulins", None), ("non-invasive glucose sensors", None),
    ("anybody die?", None), ("got audio deepfake detection datasets?", None), ("1 2 3 4 5 6 7 8", None),
    ("graphene, superconductivity, no twisted bilayers", None), ("in vitro vs in vivo, de novo?", None),
    ("gut bacteria plus mood papers gimme", None), ("ok cool thanks a lot", None),
])
def test_the_language_is_told(question: str, language: str | None, assistant: Assistant) -> None:
    assert told(question, assistant) == language


def test_no_question_in_english_is_taken_for_another_language(assistant: Assistant) -> None:
    asked = [question.question for question in load_questions() if question.split == "choose"]
    asked += [form.text for form in load_forms()]

    assert [text for text in asked if told(text, assistant)] == []


@pytest.mark.parametrize(("question", "title"), [
    ("Was ist Redco?", "Redco"), ("¿Qué es MEMIT?", "Mass-Editing Memory in a Transformer"),
    ("什么是MEMIT？", "Mass-Editing Memory in a Transformer"), ("LoRAMoEとは何ですか？", "LoRAMoE"),
])
def test_names_carry_a_question_in_another_language(question: str, title: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert (answer.citations[0].title or "").startswith(title)
    assert answer.text.startswith("(The question does not seem to be in English; I searched for ")
    assert answer.question == question


@pytest.mark.parametrize(("question", "request_in_it"), [
    ("Wie lange koche ich ein Ei?", "Bitte stellen Sie die Frage auf Englisch."),
    ("量子计算是什么？", "请用英语提问。"), ("¿Cuántos artículos hay?", "Por favor, haga la pregunta en inglés."),
    ("Kako radi ovaj model jezika?", "Please ask in English"),
])
def test_else_english_is_asked_for_politely(question: str, request_in_it: str, assistant: Assistant) -> None:
    answer = assistant.ask(question)

    assert answer.abstained and answer.reason == "the question does not seem to be in English"
    assert answer.text.startswith("Please ask in English") and request_in_it in answer.text
