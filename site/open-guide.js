// The guide is open when somebody comes for the first time.
localStorage.getItem('tsd-accordion-Guide') ?? localStorage.setItem('tsd-accordion-Guide', 'true');
