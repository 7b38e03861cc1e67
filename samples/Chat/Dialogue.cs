using Spectre.Console;

namespace Ling.Chat;

/// <summary>Questions from the console or the command line. Answers go to standard output and all else to standard error.</summary>
public sealed class Dialogue(Conversation conversation, Interruption interruption, long weightBytes)
{
    private const string Help = "/reset forgets the conversation, /exit ends the program, Ctrl+C stops an answer.";
    private readonly IAnsiConsole _notes = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    /// <summary>Answers one question, or all that are asked.</summary>
    public void Run(string? single)
    {
        if (single is not null)
        {
            Answer(single);
            return;
        }

        Note(Help);
        while (Ask() is { } line)
        {
            switch (line.Trim())
            {
                case "":
                    break;
                case "/exit":
                    return;
                case "/help":
                    Note(Help);
                    break;
                case "/reset":
                    conversation.Reset();
                    break;
                case ['/', .. var name] when !name.Contains(' '):
                    Note($"There is no command /{name}. {Help}");
                    break;
                default:
                    TryAnswer(line);
                    break;
            }
        }
    }

    private string? Ask()
    {
        if (!Console.IsInputRedirected)
        {
            _notes.Markup("[green]> [/]");
        }

        return Console.In.ReadLine();
    }

    private void TryAnswer(string question)
    {
        try
        {
            Answer(question);
        }
        catch (UsageException exception)
        {
            Note(exception.Message);
        }
    }

    private void Answer(string question)
    {
        try
        {
            var report = conversation.Answer(question, Console.Out, interruption.BeginAnswer());
            Note(report.Describe(conversation.MemoryBytes, weightBytes));
        }
        finally
        {
            interruption.EndAnswer();
        }
    }

    private void Note(string text)
    {
        // A terminal's width is no reason to break lines of a file.
        if (Console.IsErrorRedirected)
        {
            Console.Error.WriteLine(text);
        }
        else
        {
            _notes.MarkupLineInterpolated($"[grey]{text}[/]");
        }
    }
}
